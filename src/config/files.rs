//! Secrets by file: `GUDOK__TOSS__SECRET_KEY_FILE` names a file with the value of `GUDOK__TOSS__SECRET_KEY`.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read;

use secrecy::zeroize::Zeroizing;

use super::ConfigError;

/// The variables that may come by file.
const SECRETS: [&str; 6] = [
    "GUDOK__DATABASE__URL",
    "GUDOK__TOSS__SECRET_KEY",
    "GUDOK__AUTH__ADMIN_KEY",
    "GUDOK__AUTH__SERVICE_KEY",
    "GUDOK__AUTH__JWT_HS256_SECRET",
    "GUDOK__AUTH__SIGNING_SECRET",
];
/// The largest file that is read, in bytes.
const MOST_BYTES: u64 = 64 * 1024;

/// Puts the contents of files in the place of the variables that name them.
///
/// # Errors
/// [`ConfigError::Read`] when a file cannot be read, or the value is given twice.
pub(super) fn read(mut variables: HashMap<String, String>) -> Result<HashMap<String, String>, ConfigError> {
    for name in SECRETS {
        let by_file = format!("{name}_FILE");
        let Some(path) = variables.remove(&by_file) else { continue };
        let text = contents(&path).map_err(|error| ConfigError::Read(format!("{by_file}: {error}")))?;
        // Editors and `echo` end a file with a line break that is no part of a secret.
        let value = text.strip_suffix('\n').unwrap_or(&text);
        let value = value.strip_suffix('\r').unwrap_or(value).to_owned();
        if variables.insert(name.to_owned(), value).is_some() {
            return Err(ConfigError::Read(format!("{name}: is given by value and by file")));
        }
    }
    Ok(variables)
}

fn contents(path: &str) -> std::io::Result<Zeroizing<String>> {
    let mut text = Zeroizing::new(String::new());
    let read = File::open(path)?.take(MOST_BYTES + 1).read_to_string(&mut text)?;
    if u64::try_from(read).is_ok_and(|read| read <= MOST_BYTES) {
        Ok(text)
    } else {
        Err(std::io::Error::other("is larger than 64 KiB"))
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use crate::config::Config;

    fn load(variables: &[(&str, &str)]) -> Result<Config, String> {
        let variables = variables.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        Config::from_variables(variables).map_err(|error| error.to_string())
    }

    #[test]
    fn a_secret_comes_by_file_without_its_line_break() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).expect("written");
            path.display().to_string()
        };
        let config = load(&[
            ("GUDOK__AUTH__ADMIN_KEY_FILE", &file("admin", "hidden-1\n")),
            ("GUDOK__AUTH__SERVICE_KEY_FILE", &file("service", "hidden 2")),
        ]);
        let auth = config.expect("valid").auth;
        assert_eq!(auth.admin_key.expect("set").expose_secret(), "hidden-1");
        assert_eq!(auth.service_key.expect("set").expose_secret(), "hidden 2");
        let twice = [("GUDOK__AUTH__ADMIN_KEY", "x"), ("GUDOK__AUTH__ADMIN_KEY_FILE", &*file("a", "hidden"))];
        let large = file("large", &"x".repeat(70_000));
        for (variables, named) in [
            (&twice[..], "GUDOK__AUTH__ADMIN_KEY:"),
            (&[("GUDOK__AUTH__ADMIN_KEY_FILE", "/nonexistent/x")], "GUDOK__AUTH__ADMIN_KEY_FILE:"),
            (&[("GUDOK__AUTH__ADMIN_KEY_FILE", &*large)], "64 KiB"),
            (&[("GUDOK__SERVER__BIND_FILE", "/x")], "bind_file"),
        ] {
            let error = load(variables).expect_err(named);
            assert!(error.contains(named) && !error.contains("hidden"), "{error}");
        }
    }
}
