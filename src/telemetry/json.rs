//! Log lines as JSON, one object a line. The library's own formatter reads each span's fields again as JSON for every line that
//! is said inside of it, which made a line cost a seventh of an entitlement check.

use std::fmt::{self, Debug, Write};

use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_log::NormalizeEvent;
use tracing_subscriber::field::RecordFields;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, FormattedFields};
use tracing_subscriber::registry::LookupSpan;

/// Writes `{"timestamp":…,"level":…,` the event's fields `,"target":…,"spans":[…]}`, the outermost span first.
#[derive(Debug)]
pub(super) struct Lines;

/// Writes a span's fields as members, each with a comma before it, so that lines can take them as they are.
#[derive(Debug)]
pub(super) struct Members;

impl<'writer> FormatFields<'writer> for Members {
    fn format_fields<R: RecordFields>(&self, mut writer: Writer<'writer>, fields: R) -> fmt::Result {
        let mut members = Recording { writer: &mut writer, outcome: Ok(()) };
        fields.record(&mut members);
        members.outcome
    }

    fn add_fields(
        &self,
        current: &'writer mut FormattedFields<Self>,
        fields: &tracing::span::Record<'_>,
    ) -> fmt::Result {
        let before = current.fields.len();
        let outcome = self.format_fields(current.as_writer(), fields);
        if outcome.is_err() {
            // Half a member would spoil every line of the span.
            current.fields.truncate(before);
        }
        outcome
    }
}

impl<S> FormatEvent<S, Members> for Lines
where
    S: Subscriber + for<'lookup> LookupSpan<'lookup>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, Members>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        // What comes by the `log` crate names its place among its fields.
        let normalized = event.normalized_metadata();
        let metadata = normalized.as_ref().unwrap_or_else(|| event.metadata());
        writer.write_str("{\"timestamp\":\"")?;
        SystemTime.format_time(&mut writer)?;
        write!(writer, "\",\"level\":\"{}\"", metadata.level())?;
        let mut members = Recording { writer: &mut writer, outcome: Ok(()) };
        event.record(&mut members);
        members.outcome?;
        writer.write_str(",\"target\":")?;
        text(&mut writer, metadata.target())?;
        let spans = context.event_scope().into_iter().flat_map(|scope| scope.from_root());
        let mut before = ",\"spans\":[{\"name\":";
        let mut after = "";
        for span in spans {
            writer.write_str(before)?;
            text(&mut writer, span.name())?;
            if let Some(members) = span.extensions().get::<FormattedFields<Members>>() {
                writer.write_str(&members.fields)?;
            }
            (before, after) = ("},{\"name\":", "}]");
        }
        writer.write_str(after)?;
        writer.write_str("}\n")
    }
}

/// Fields on their way to a line.
struct Recording<'a, 'writer> {
    writer: &'a mut Writer<'writer>,
    outcome: fmt::Result,
}

impl Recording<'_, '_> {
    fn member(&mut self, field: &Field, value: impl FnOnce(&mut Writer<'_>) -> fmt::Result) {
        // Where a record of the `log` crate was said: its target is the line's, which is enough.
        if field.name().starts_with("log.") {
            return;
        }
        if self.outcome.is_ok() {
            self.outcome = self
                .writer
                .write_char(',')
                .and_then(|()| text(self.writer, field.name()))
                .and_then(|()| self.writer.write_char(':'))
                .and_then(|()| value(self.writer));
        }
    }
}

impl Visit for Recording<'_, '_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.member(field, |writer| text(writer, value));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.member(field, |writer| write!(writer, "{value}"));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.member(field, |writer| write!(writer, "{value}"));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.member(field, |writer| write!(writer, "{value}"));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        // JSON knows no number that is none.
        self.member(field, |writer| match value.is_finite() {
            true => write!(writer, "{value}"),
            false => writer.write_str("null"),
        });
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.member(field, |writer| {
            writer.write_char('"')?;
            write!(Escaped(writer), "{value:?}")?;
            writer.write_char('"')
        });
    }
}

/// A JSON string.
fn text(writer: &mut Writer<'_>, value: &str) -> fmt::Result {
    writer.write_char('"')?;
    Escaped(writer).write_str(value)?;
    writer.write_char('"')
}

/// Writes what stands between the quotes of a JSON string (RFC 8259, 7).
struct Escaped<'a, 'writer>(&'a mut Writer<'writer>);

impl Write for Escaped<'_, '_> {
    fn write_str(&mut self, mut value: &str) -> fmt::Result {
        let special = |byte: u8| byte < b' ' || byte == b'"' || byte == b'\\';
        while let Some(at) = value.bytes().position(special) {
            // What is special is one byte long, so both are borders of characters.
            let (plain, rest) = value.split_at(at);
            let (one, rest) = rest.split_at(1);
            self.0.write_str(plain)?;
            match one {
                "\"" => self.0.write_str("\\\"")?,
                "\\" => self.0.write_str("\\\\")?,
                "\n" => self.0.write_str("\\n")?,
                "\r" => self.0.write_str("\\r")?,
                "\t" => self.0.write_str("\\t")?,
                other => other.bytes().try_for_each(|byte| write!(self.0, "\\u{byte:04x}"))?,
            }
            value = rest;
        }
        self.0.write_str(value)
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex, PoisonError};

    use serde_json::{Value, json};
    use tracing_subscriber::fmt::MakeWriter;

    use super::*;

    /// Keeps what is written.
    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl<'a> MakeWriter<'a> for Kept {
        type Writer = Self;

        fn make_writer(&'a self) -> Self {
            self.clone()
        }
    }

    /// The lines that `work` says.
    fn lines(work: impl FnOnce()) -> Vec<Value> {
        let kept = Kept::default();
        let all = tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(kept.clone());
        let all = all.fmt_fields(Members).event_format(Lines).finish();
        tracing::subscriber::with_default(all, work);
        let bytes = kept.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let text = String::from_utf8(bytes).expect("UTF-8");
        text.lines().map(|line| serde_json::from_str(line).expect(line)).collect()
    }

    #[test]
    fn a_line_is_one_object_with_the_spans_that_it_was_said_in() {
        let said = lines(|| {
            let outer = tracing::info_span!("request", request_id = "r1");
            let _in_outer = outer.enter();
            let inner = tracing::info_span!("job", job = "settle", run = tracing::field::Empty);
            inner.record("run", 7);
            let _in_inner = inner.enter();
            tracing::warn!(amount = -9_900_i64, share = 0.5, is_late = true, caller = ?Some("a"), "settled {}", 1);
        });
        let [line] = said.as_slice() else { panic!("{said:?}") };
        let mut line = line.clone();
        let at = line["timestamp"].take();
        assert!(chrono::DateTime::parse_from_rfc3339(at.as_str().expect("a string")).is_ok(), "{at}");
        let expected = json!({
            "timestamp": null, "level": "WARN", "message": "settled 1", "amount": -9_900, "share": 0.5, "is_late": true,
            "caller": "Some(\"a\")", "target": module_path!(),
            "spans": [{"name": "request", "request_id": "r1"}, {"name": "job", "job": "settle", "run": 7}],
        });
        assert_eq!(line, expected);
    }

    #[test]
    fn whatever_is_said_stays_on_its_line_and_in_its_string() {
        let strange = "\"},\\ \n\r\t\u{0}\u{1f}\u{7f}\u{2028} 구독 \u{1f4b3}";
        let said = lines(|| {
            let _span = tracing::info_span!("request", request_id = strange).entered();
            tracing::info!(value = strange, shown = %strange, share = f64::NAN, "{strange}");
        });
        let [line] = said.as_slice() else { panic!("{said:?}") };
        for value in [&line["value"], &line["shown"], &line["message"], &line["spans"][0]["request_id"]] {
            assert_eq!(value, strange);
        }
        assert_eq!(line["share"], Value::Null);
    }

    #[test]
    fn what_a_library_says_by_the_log_crate_has_its_own_target_and_level() {
        let said = lines(|| {
            let record = tracing_log::log::Record::builder()
                .args(format_args!("no \"handshake\""))
                .level(tracing_log::log::Level::Warn)
                .target("rustls::conn")
                .file(Some("conn.rs"))
                .build();
            tracing_log::format_trace(&record).expect("said");
        });
        let [line] = said.as_slice() else { panic!("{said:?}") };
        let mut line = line.clone();
        line["timestamp"].take();
        let expected = json!({
            "timestamp": null, "level": "WARN", "message": "no \"handshake\"", "target": "rustls::conn",
        });
        assert_eq!(line, expected);
    }

    #[test]
    fn errors_large_numbers_and_other_spans_are_told_as_they_are() {
        let said = lines(|| {
            let elsewhere = tracing::info_span!("job", job = "settle");
            let _here = tracing::info_span!("request").entered();
            let error = io::Error::other("gone");
            tracing::info!(parent: &elsewhere, error = &error as &dyn std::error::Error, most = u128::MAX, "failed");
        });
        let [line] = said.as_slice() else { panic!("{said:?}") };
        assert_eq!((&line["error"], &line["most"]), (&json!("gone"), &json!(u128::MAX.to_string())));
        assert_eq!(line["spans"], json!([{"name": "job", "job": "settle"}]));
    }

    #[test]
    fn what_is_said_outside_of_a_request_has_no_spans() {
        let said = lines(|| tracing::info!("serving"));
        assert_eq!(said[0].get("spans"), None);
    }
}
