//! How two transcripts differ, line by line.

/// Lines shown around each change.
const AROUND: usize = 2;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Both,
    Expected,
    Seen,
}

/// Shows what is missing (`-`), what is new (`+`), and a little of what stays.
pub(crate) fn difference(expected: &str, seen: &str) -> String {
    let (expected, seen): (Vec<&str>, Vec<&str>) =
        (expected.lines().collect(), seen.lines().collect());
    let lines = compared(&expected, &seen);
    let changed: Vec<usize> = (0..lines.len())
        .filter(|index| lines[*index].0 != Side::Both)
        .collect();
    let mut text = String::new();
    let mut gap = false;
    for (index, (side, line)) in lines.iter().enumerate() {
        if !changed.iter().any(|at| at.abs_diff(index) <= AROUND) {
            gap = true;
            continue;
        }
        if std::mem::take(&mut gap) {
            text.push_str("  ...\n");
        }
        let mark = match side {
            Side::Both => ' ',
            Side::Expected => '-',
            Side::Seen => '+',
        };
        text.push_str(&format!("{mark} {line}\n"));
    }
    text
}

/// Lines up two texts by their longest common subsequence.
fn compared<'a>(expected: &[&'a str], seen: &[&'a str]) -> Vec<(Side, &'a str)> {
    let (rows, columns) = (expected.len(), seen.len());
    let mut common = vec![vec![0_usize; columns + 1]; rows + 1];
    for row in (0..rows).rev() {
        for column in (0..columns).rev() {
            common[row][column] = if expected[row] == seen[column] {
                common[row + 1][column + 1] + 1
            } else {
                common[row + 1][column].max(common[row][column + 1])
            };
        }
    }
    let (mut row, mut column) = (0, 0);
    let mut lines = Vec::new();
    while row < rows || column < columns {
        if row < rows && column < columns && expected[row] == seen[column] {
            lines.push((Side::Both, expected[row]));
            (row, column) = (row + 1, column + 1);
        } else if column == columns
            || (row < rows && common[row + 1][column] >= common[row][column + 1])
        {
            lines.push((Side::Expected, expected[row]));
            row += 1;
        } else {
            lines.push((Side::Seen, seen[column]));
            column += 1;
        }
    }
    lines
}
