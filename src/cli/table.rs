//! Tables for people: columns as wide as what stands in them, and nothing in them that a terminal would obey.

/// Lays out `rows`, the first of which is the head. Columns whose cells below the head are all numbers stand to the
/// right.
pub(super) fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let cell = |row: &Vec<String>, column: usize| -> String {
        row.get(column).map(|text| text.chars().filter(|c| !c.is_control()).collect()).unwrap_or_default()
    };
    let layout: Vec<(usize, bool)> = (0..columns)
        .map(|column| {
            let width = rows.iter().map(|row| cell(row, column).chars().count()).max().unwrap_or(0);
            let number = |text: String| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            (width, rows.len() > 1 && rows.iter().skip(1).all(|row| number(cell(row, column))))
        })
        .collect();
    let mut text = String::new();
    for row in rows {
        let line: Vec<String> = layout
            .iter()
            .enumerate()
            .map(|(column, &(width, right))| {
                let cell = cell(row, column);
                let gap = " ".repeat(width - cell.chars().count());
                if right { format!("{gap}{cell}") } else { format!("{cell}{gap}") }
            })
            .collect();
        text.push_str(line.join("  ").trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stand_to_the_left_and_numbers_to_the_right() {
        let rows = [vec!["order", "rows"], vec!["a", "7"], vec!["abcdefg", "1204"]];
        let rows: Vec<Vec<String>> =
            rows.iter().map(|row| row.iter().map(|cell| (*cell).to_owned()).collect()).collect();
        assert_eq!(table(&rows), "order    rows\na           7\nabcdefg  1204\n");
    }

    #[test]
    fn what_a_terminal_would_obey_is_left_out() {
        assert_eq!(table(&[vec!["a\u{1b}[2Jb\n".to_owned()]]), "a[2Jb\n");
    }

    #[test]
    fn nothing_is_an_empty_table() {
        assert_eq!(table(&[]), "");
    }
}
