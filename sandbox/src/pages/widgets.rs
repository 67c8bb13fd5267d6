//! The two widgets that stand in the shop's page: the methods of payment, and the terms.

use askama::Template;
use poem::Response;

use super::{
    Language, Visit, ask,
    choices::{Choice, PROVIDERS},
    write::{self, Frames},
};
use crate::{refusal::Refusal, state::Shared};

#[derive(Template)]
#[template(path = "pages/methods.html")]
struct Methods {
    lang: Language,
    origin: String,
    providers: &'static [Choice],
}

#[derive(Template)]
#[template(path = "pages/agreement.html")]
struct Agreement {
    lang: Language,
    origin: String,
}

/// The methods, of which the card is chosen beforehand.
pub(super) fn methods(shared: &Shared, visit: &Visit) -> Response {
    framed(shared, visit, |lang, origin| {
        write::page(&Methods { lang, origin, providers: &PROVIDERS }, Frames::Anyone)
    })
}

/// The terms, which are ticked beforehand.
pub(super) fn agreement(shared: &Shared, visit: &Visit) -> Response {
    framed(shared, visit, |lang, origin| write::page(&Agreement { lang, origin }, Frames::Anyone))
}

/// Shows a widget to a shop that has the right key and says where its page lives.
fn framed(shared: &Shared, visit: &Visit, show: impl FnOnce(Language, String) -> Response) -> Response {
    let origin = match ask::origin(visit.asked("origin")) {
        Ok(origin) => origin,
        Err(refusal) => return write::refused(visit.language, &refusal, Frames::Anyone, ""),
    };
    if origin.is_empty() {
        let refusal = Refusal::custom(400, "INVALID_PARAMETERS", "origin is missing");
        return write::refused(visit.language, &refusal, Frames::Anyone, "");
    }
    match ask::check_key(shared, visit.asked("clientKey")) {
        Ok(()) => show(visit.language, origin),
        Err(refusal) => write::refused(visit.language, &refusal, Frames::Anyone, &origin),
    }
}
