//! Reads the layers: built-in defaults, `config/default.toml`, `config/{GUDOK_ENV}.toml`, `GUDOK__SECTION__KEY`.

use std::collections::HashMap;
use std::path::Path;

use config::{Environment, File, FileFormat};

use super::Config;

/// The defaults, in the binary so that it runs from any folder.
const DEFAULTS: &str = include_str!("../../config/default.toml");

/// Why the settings do not allow a start; the message names the key.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A file cannot be read, a key is unknown or has a wrong type.
    #[error("configuration: {0}")]
    Read(String),
    /// A value makes no sense.
    #[error("configuration: {key}: {reason}")]
    Invalid {
        /// The key, as in `server.bind`.
        key: &'static str,
        /// What is wrong with it.
        reason: String,
    },
}

impl Config {
    /// Reads all layers as the process sees them.
    ///
    /// # Errors
    /// [`ConfigError`] with the key's name.
    pub fn load() -> Result<Self, ConfigError> {
        let mut variables = HashMap::new();
        for (name, value) in std::env::vars_os() {
            let Some(name) = name.to_str().filter(|name| name.to_uppercase().starts_with("GUDOK")) else {
                continue;
            };
            let value = value.into_string();
            let value = value.map_err(|_| ConfigError::Read(format!("{name}: is no text in UTF-8")))?;
            variables.insert(name.to_owned(), value);
        }
        Self::load_from(Path::new("config"), variables)
    }

    /// Reads the built-in defaults and `variables`, and no file: for development and tests.
    ///
    /// # Errors
    /// [`ConfigError`] with the key's name.
    pub fn from_variables(variables: HashMap<String, String>) -> Result<Self, ConfigError> {
        Self::load_from(Path::new("/nonexistent"), variables)
    }

    /// Reads all layers with the files in `folder` and `variables` in place of the process's own.
    ///
    /// # Errors
    /// [`ConfigError`] with the key's name.
    pub fn load_from(folder: &Path, variables: HashMap<String, String>) -> Result<Self, ConfigError> {
        let mut layers = config::Config::builder()
            .add_source(File::from_str(DEFAULTS, FileFormat::Toml))
            .add_source(File::from(folder.join("default.toml")).format(FileFormat::Toml).required(false));
        if let Some(environment) = variables.get("GUDOK_ENV") {
            let sane = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
            if environment.is_empty() || !environment.chars().all(sane) {
                return Err(ConfigError::Read(
                    "GUDOK_ENV: must be a plain name such as `production`".to_owned(),
                ));
            }
            let file = folder.join(format!("{environment}.toml"));
            if !file.is_file() {
                // A typo must not start a service on the defaults.
                return Err(ConfigError::Read(format!("GUDOK_ENV: there is no {}", file.display())));
            }
            layers = layers.add_source(File::from(file).format(FileFormat::Toml));
        }
        if let Some(name) = variables.keys().find(|name| name.starts_with("GUDOK__") != is_setting(name)) {
            return Err(ConfigError::Read(format!("{name}: must be in capitals")));
        }
        let variables = super::files::read(variables)?;
        let layers = layers.add_source(
            // Values stay text here: a key of digits only must not become a number and lose its zeros.
            Environment::with_prefix("GUDOK").prefix_separator("__").separator("__").source(Some(variables)),
        );
        let merged = layers.build().map_err(|error| ConfigError::Read(error.to_string()))?;
        let config: Config = serde_path_to_error::deserialize(merged).map_err(|error| {
            ConfigError::Read(format!("{}: {}", error.path(), unquoted(&error.inner().to_string())))
        })?;
        config.validate()?;
        Ok(config)
    }
}

fn is_setting(name: &str) -> bool {
    name.to_uppercase().starts_with("GUDOK__")
}

/// A message without the values that it quotes: one of them may be a secret under a wrong name.
fn unquoted(message: &str) -> String {
    message.split('"').step_by(2).collect::<Vec<_>>().join("…")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(variables: &[(&str, &str)]) -> Result<Config, String> {
        let variables = variables.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        Config::from_variables(variables).map_err(|error| error.to_string())
    }

    #[test]
    fn the_defaults_stand_alone() {
        let config = load(&[]).expect("defaults");
        assert_eq!(config.server.bind.port(), 8080);
        assert_eq!(config.billing.timezone, chrono_tz::Asia::Seoul);
        assert_eq!(config.toss.request_timeout_ms, 65_000);
    }

    #[test]
    fn a_variable_overrides_and_keeps_its_zeros() {
        let config = load(&[("GUDOK__SERVER__BIND", "0.0.0.0:9"), ("GUDOK__AUTH__ADMIN_KEY", "00123")]);
        let config = config.expect("valid");
        assert_eq!(config.server.bind.port(), 9);
        let key = config.auth.admin_key.expect("set");
        assert_eq!(secrecy::ExposeSecret::expose_secret(&key), "00123");
    }

    #[test]
    fn an_unknown_key_or_a_wrong_type_is_refused_by_name() {
        for (name, value, named) in [
            ("GUDOK__SERVER__BINDD", "x", "bindd"),
            ("GUDOK__SERVR__BIND", "x", "servr"),
            ("GUDOK__SERVER__ANSWER_WITHIN_MS", "soon", "answer_within_ms"),
            ("GUDOK__BILLING__TIMEZONE", "Mars/Olympus", "timezone"),
            ("GUDOK__SCHEDULER__ENABLED", "maybe", "enabled"),
            ("GUDOK__DATABASE__URL", "mysql://x", "database.url"),
            ("GUDOK__AUTH__ADMIN_KEY", "", "auth.admin_key"),
            ("GUDOK__AUTH__JWKS_URL", "http://keys.test/jwks", "auth.jwks_url"),
            ("GUDOK__AUTH__JWKS_URL", "file:///etc/keys", "auth.jwks_url"),
            ("gudok__auth__admin_key", "x", "gudok__auth__admin_key"),
            ("GUDOK__SERVER__TLS_KEY", "key.pem", "server.tls_key"),
            ("GUDOK__SERVER__CORS_ORIGINS", "*", "cors_origins"),
            ("GUDOK__RATES__USER__READING__BURST", "601", "rates.user.reading"),
            ("GUDOK__RATES__ADDRESS__FAILURES__BURST", "0", "rates.address.failures"),
            ("GUDOK_ENV", "prodution", "GUDOK_ENV"),
            ("GUDOK__TOSS", "live_sk_hidden", "toss"),
        ] {
            let error = load(&[(name, value)]).expect_err(name);
            assert!(error.contains(named) && !error.contains("hidden"), "{name}: {error}");
        }
    }

    #[test]
    fn a_secret_is_never_in_debug_output() {
        let config = load(&[
            ("GUDOK__TOSS__SECRET_KEY", "test_sk_hidden_new, test_sk_hidden_old"),
            ("GUDOK__AUTH__ADMIN_KEY", "hidden-admin"),
            ("GUDOK__AUTH__SERVICE_KEY", "hidden-service"),
            ("GUDOK__AUTH__JWT_HS256_SECRET", "a hidden secret that is long enough"),
            (
                "GUDOK__AUTH__SIGNING_SECRET",
                "another hidden secret that is long enough, hidden as well as the one before it",
            ),
            ("GUDOK__DATABASE__URL", "postgres://u:hidden@localhost/x"),
        ]);
        let shown = format!("{:?}", config.expect("valid"));
        assert!(!shown.contains("hidden"), "{shown}");
    }
}
