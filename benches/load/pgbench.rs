//! What PostgreSQL itself can do: pgbench sends the statements that gudok sends, in the same transactions, prepared,
//! over the same socket. The statements are not written down here, they are read from the server's log while gudok
//! serves, so the comparison keeps up with the code.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::path::PathBuf;

use serde_json::Value;

use crate::cluster::Cluster;

/// A statement as the server has logged it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Logged {
    sql: String,
    /// What stood for `$1`, `$2` …; none for NULL.
    parameters: Vec<Option<String>>,
}

/// A script for pgbench and the variables that it wants.
#[derive(Clone, Debug)]
pub(crate) struct Script {
    file: PathBuf,
    variables: Vec<(String, String)>,
    /// Statements with those that begin and end transactions.
    pub(crate) statements: usize,
    /// Transactions, single statements not counted.
    pub(crate) transactions: usize,
    /// The text, for whoever wants to see it.
    pub(crate) text: String,
}

/// Distinct values of one transaction that differ from transaction to transaction, at most.
const MOST_VALUES: usize = 64;

impl Script {
    /// The script of a transaction that the server has logged twice, for different users: what is the same both times
    /// is a constant, what differs becomes a number that no other transaction has and that grows with time, as our
    /// identifiers do. Times stay those of the first.
    pub(crate) fn of(name: &str, cluster: &Cluster, (first, second): (&str, &str)) -> Result<Self, String> {
        let (first, second) = (statements(first), statements(second));
        let texts = |logged: &[Logged]| logged.iter().map(|one| one.sql.clone()).collect::<Vec<_>>();
        if first.is_empty() || texts(&first) != texts(&second) {
            return Err(format!("{} and {} statements, which differ", first.len(), second.len()));
        }
        let (mut names, mut constants) = (HashMap::new(), HashMap::new());
        let mut body = String::new();
        for (one, other) in first.iter().zip(&second) {
            let parameters: Vec<String> = one
                .parameters
                .iter()
                .zip(&other.parameters)
                .map(|(ours, theirs)| match ours {
                    None => "NULL".to_owned(),
                    Some(value) if Some(value) == theirs.as_ref() || is_time(value) => {
                        let next = format!("c{}", constants.len());
                        format!(":{}", constants.entry(value.clone()).or_insert(next))
                    }
                    Some(value) => {
                        let next = format!("v{}", names.len());
                        format!(":{}", names.entry(value.clone()).or_insert(next))
                    }
                })
                .collect();
            writeln!(body, "{};", filled_in(&one.sql, &parameters)).expect("memory");
        }
        assert!(names.len() < MOST_VALUES, "a transaction with {} values", names.len());
        let mut text = format!(
            "\\set n :n + 1\n\\set base :seed * 1000000000000000 + (:n * 128 + :client_id) * {MOST_VALUES}\n"
        );
        for index in 0..names.len() {
            writeln!(text, "\\set v{index} :base + {index}").expect("memory");
        }
        text.push_str(&body);
        let ends = |word: &str| first.iter().filter(|one| one.sql.eq_ignore_ascii_case(word)).count();
        let variables = constants.into_iter().map(|(value, name)| (name, value)).collect();
        Ok(Self {
            variables,
            statements: first.len(),
            transactions: ends("COMMIT"),
            ..Self::plain(name, cluster, text)
        })
    }

    /// A script of one's own.
    pub(crate) fn plain(name: &str, cluster: &Cluster, text: String) -> Self {
        let file = cluster.folder().join(format!("{name}.sql"));
        std::fs::write(&file, &text).expect("written");
        Self { file, variables: Vec::new(), statements: 1, transactions: 0, text }
    }

    /// Runs it for so many seconds, and gives transactions a second. `seed` differs from run to run on a database.
    pub(crate) async fn run(
        &self,
        cluster: &Cluster,
        database: &str,
        clients: usize,
        seconds: u64,
        seed: u64,
    ) -> f64 {
        let mut pgbench = cluster.tool("pgbench");
        let threads = clients.min(2).to_string();
        pgbench.args(["-n", "-M", "prepared", "-c", &clients.to_string(), "-j", &threads]);
        pgbench.args(["-T", &seconds.to_string(), "-D", "n=0", "-D", &format!("seed={seed}")]);
        for (name, value) in &self.variables {
            pgbench.arg("-D").arg(format!("{name}={value}"));
        }
        pgbench.arg("-f").arg(&self.file).arg(database);
        let ended = tokio::task::spawn_blocking(move || pgbench.output()).await.expect("not cut off");
        let output = ended.expect("pgbench runs");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "pgbench: {complaint}");
        let rate = said.lines().find_map(|line| line.strip_prefix("tps = ")?.split(' ').next()?.parse().ok());
        rate.unwrap_or_else(|| panic!("pgbench said no rate: {said} {complaint}"))
    }
}

fn is_time(value: &str) -> bool {
    let bytes = value.as_bytes();
    value.len() >= 19 && bytes[4] == b'-' && bytes[7] == b'-' && bytes[13] == b':' && bytes[16] == b':'
}

/// What gudok has sent, by the server's JSON log.
fn statements(log: &str) -> Vec<Logged> {
    let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    lines.filter(|line| line["application_name"] == "gudok").filter_map(|line| statement(&line)).collect()
}

fn statement(line: &Value) -> Option<Logged> {
    let message = line["message"].as_str()?;
    let sql = match message.strip_prefix("statement: ") {
        Some(sql) => sql,
        None => message.strip_prefix("execute ")?.split_once(": ")?.1,
    };
    let detail = line["detail"].as_str().unwrap_or_default();
    let (_, list) = detail.split_once("arameters: ").unwrap_or_default();
    Some(Logged { sql: sql.trim().trim_end_matches(';').to_owned(), parameters: parameters(list) })
}

/// `$1 = 'it''s', $2 = NULL`, taken apart.
fn parameters(list: &str) -> Vec<Option<String>> {
    let mut found = Vec::new();
    let mut rest = list;
    while let Some((_, value)) = rest.split_once(" = ") {
        let Some(quoted) = value.strip_prefix('\'') else {
            found.push(None);
            rest = value.split_once(", ").map_or("", |(_, rest)| rest);
            continue;
        };
        let mut text = String::new();
        let mut characters = quoted.char_indices().peekable();
        let mut end = quoted.len();
        while let Some((at, character)) = characters.next() {
            if character == '\'' && characters.next_if(|(_, next)| *next == '\'').is_none() {
                end = at + 1;
                break;
            }
            text.push(character);
        }
        found.push(Some(text));
        rest = &quoted[end..];
    }
    found
}

/// `sql` with `$1`, `$2` … replaced.
fn filled_in(sql: &str, parameters: &[String]) -> String {
    let mut text = String::new();
    let mut rest = sql;
    while let Some((before, after)) = rest.split_once('$') {
        text.push_str(before);
        let digits = after.len() - after.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let parameter = after[..digits].parse::<usize>().ok().and_then(|number| parameters.get(number - 1));
        text.push_str(parameter.map_or("$", String::as_str));
        rest = if parameter.is_some() { &after[digits..] } else { after };
    }
    text.push_str(rest);
    text
}
