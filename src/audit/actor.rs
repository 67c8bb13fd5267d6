//! Who acts: known at the edge, handed down beside the time.

use std::net::IpAddr;

use entity::audit_event::ActorKind;
use poem::Request;

use crate::app::App;
use crate::http::origin::origin;
use crate::http::problems::RequestId;

/// Who acts, from where, in which request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// What kind of credential.
    pub kind: ActorKind,
    /// Whose: a key's prefix, a user's id, a person's name.
    pub name: String,
    /// From which address, where it came over a network.
    pub address: Option<IpAddr>,
    /// The request, as log lines name it.
    pub request_id: Option<String>,
}

/// Characters of a name that are kept.
const LONGEST: usize = 100;

impl Actor {
    /// The service itself.
    pub fn system() -> Self {
        Self::here(ActorKind::System, "system")
    }

    /// Whoever is at the dashboard and makes this request, known by the key that opened the session: people have no names
    /// there.
    pub fn dashboard(app: &App, request: &Request, key: String) -> Self {
        let address = origin(request, &app.config.server.trusted_proxies);
        let request_id = request.data::<RequestId>().map(|id| id.0.clone());
        Self { kind: ActorKind::Dashboard, name: key, address, request_id }
    }

    /// Whoever typed the command, as the operating system knows them.
    pub fn command_line() -> Self {
        let named = ["USER", "LOGNAME"].into_iter().find_map(|name| std::env::var(name).ok());
        let name = match (named.filter(|name| !name.is_empty()), user_number()) {
            // A variable may say anything; the number cannot.
            (Some(name), Some(number)) => format!("{name} (uid {number})"),
            (Some(name), None) => name,
            (None, Some(number)) => format!("uid {number}"),
            (None, None) => "unknown".to_owned(),
        };
        Self::here(ActorKind::Cli, &name)
    }

    fn here(kind: ActorKind, name: &str) -> Self {
        let name = name.chars().filter(|c| !c.is_control()).take(LONGEST).collect();
        Self { kind, name, address: None, request_id: None }
    }
}

/// The number of the process's user, which owns what the kernel shows of the process.
fn user_number() -> Option<u32> {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata("/proc/self").ok().map(|process| process.uid())
}
