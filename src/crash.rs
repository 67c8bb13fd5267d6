//! Named points of the money path at which a test ends the process. A release build has none of them.

/// A point at which a process can be made to die.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Point {
    /// The claim of a confirmation is written but not committed.
    ClaimWritten,
    /// The claim is committed; Toss has heard nothing.
    Claimed,
    /// A confirmation is about to be sent.
    ConfirmSend,
    /// Toss has answered a confirmation; nothing is recorded.
    ConfirmAnswered,
    /// What Toss said is written but not committed.
    TruthWritten,
    /// What Toss said is committed; the caller has heard nothing.
    TruthRecorded,
    /// A refund is reserved but not committed.
    ReserveWritten,
    /// The refund is reserved; Toss has heard nothing.
    Reserved,
    /// A cancel is about to be sent.
    CancelSend,
    /// Toss has answered a cancel; nothing is recorded.
    CancelAnswered,
    /// A look-up is about to be sent.
    LookUpSend,
    /// Toss has answered a look-up; nothing is recorded.
    LookUpAnswered,
    /// Settle has taken something on but not committed it.
    TakeWritten,
    /// Settle has taken something on.
    Taken,
    /// A webhook is stored, and its sender has no answer.
    WebhookStored,
}

impl Point {
    /// Every point.
    pub const ALL: [Point; 15] = [
        Point::ClaimWritten,
        Point::Claimed,
        Point::ConfirmSend,
        Point::ConfirmAnswered,
        Point::TruthWritten,
        Point::TruthRecorded,
        Point::ReserveWritten,
        Point::Reserved,
        Point::CancelSend,
        Point::CancelAnswered,
        Point::LookUpSend,
        Point::LookUpAnswered,
        Point::TakeWritten,
        Point::Taken,
        Point::WebhookStored,
    ];

    /// Its name, as [`VARIABLE`] takes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::ClaimWritten => "claim-written",
            Self::Claimed => "claimed",
            Self::ConfirmSend => "confirm-send",
            Self::ConfirmAnswered => "confirm-answered",
            Self::TruthWritten => "truth-written",
            Self::TruthRecorded => "truth-recorded",
            Self::ReserveWritten => "reserve-written",
            Self::Reserved => "reserved",
            Self::CancelSend => "cancel-send",
            Self::CancelAnswered => "cancel-answered",
            Self::LookUpSend => "look-up-send",
            Self::LookUpAnswered => "look-up-answered",
            Self::TakeWritten => "take-written",
            Self::Taken => "taken",
            Self::WebhookStored => "webhook-stored",
        }
    }
}

/// Names the point at which a debug build ends itself, the first time that it comes by.
pub const VARIABLE: &str = "GUDOK_CRASH_AT";

/// Ends the process here, as a power cut would, if a test has asked for it.
#[cfg(debug_assertions)]
pub(crate) fn point(point: Point) {
    static WANTED: std::sync::LazyLock<Option<String>> =
        std::sync::LazyLock::new(|| std::env::var(VARIABLE).ok());
    if WANTED.as_deref() != Some(point.name()) {
        return;
    }
    // The standard library can only abort, which a debugger or a core dump delays; SIGKILL is what is meant.
    let id = std::process::id().to_string();
    if std::process::Command::new("kill").args(["-KILL", &id]).spawn().is_err() {
        std::process::abort();
    }
    // This task goes no further while the signal is on its way.
    loop {
        std::thread::park();
    }
}

/// Nothing: a release build cannot be told to die.
#[cfg(not(debug_assertions))]
#[inline]
pub(crate) fn point(_point: Point) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_point_has_a_name_of_its_own() {
        let names: std::collections::HashSet<_> = Point::ALL.map(Point::name).into();
        assert_eq!(names.len(), Point::ALL.len());
    }
}
