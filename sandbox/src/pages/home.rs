//! The index for a browser: what can be opened, and the text that a person with curl is served.

use askama::Template;
use poem::Response;

use super::{
    Language, Visit,
    write::{self, Frames},
};
use crate::{control, state::Shared};

#[derive(Template)]
#[template(path = "pages/home.html")]
struct Home<'a> {
    lang: Language,
    url: &'a str,
    client_key: &'a str,
    calls: &'static str,
}

/// Shows the index.
pub(super) fn show(shared: &Shared, visit: &Visit) -> Response {
    let home = Home {
        lang: visit.language,
        url: &shared.url,
        client_key: &shared.options.client_key,
        calls: control::home::PAGE,
    };
    write::page(&home, Frames::Nobody)
}
