//! The header is the manual: every function in it is described in full.
//! Reads the committed header; whether it is the generated one is the bindings' step.

use std::collections::BTreeSet;

use super::abi::header_functions;

/// What every function's comment says besides its parameters and what it returns.
const TAGS: &[&str] = &["@thread", "@since"];

/// A function of the header and the comment that stands directly before it.
struct Function<'a> {
    name: &'a str,
    returns: &'a str,
    parameters: Vec<&'a str>,
    comment: &'a str,
}

/// One line for each thing that the header does not say about one of its functions.
pub fn gaps(header: &str) -> Vec<String> {
    let functions = documented(header);
    let described: BTreeSet<_> = functions.iter().map(|function| function.name).collect();
    let declared = header_functions(&without_comments(header));
    let mut problems = Vec::new();
    if declared.is_empty() {
        problems.push("    the header declares no function".to_owned());
    }
    let silent = declared.iter().filter(|name| !described.contains(name.as_str()));
    problems.extend(silent.map(|name| format!("    {name} has no comment")));
    for function in &functions {
        let name = function.name;
        problems.extend(function.gaps().iter().map(|gap| format!("    {name}: {gap}")));
    }
    problems
}

/// How many functions the header declares.
pub fn count(header: &str) -> usize {
    header_functions(&without_comments(header)).len()
}

impl Function<'_> {
    fn gaps(&self) -> Vec<String> {
        let mut gaps = Vec::new();
        let lines = || self.comment.lines().map(line_of_comment);
        let starts = |tag: &str| lines().any(|line| has_text_after(line, tag));
        let summary = lines().find(|line| !line.is_empty()).unwrap_or_default();
        if summary.is_empty() || summary.starts_with('@') {
            gaps.push("no summary".to_owned());
        }
        for parameter in &self.parameters {
            if !starts(&format!("@param {parameter}")) {
                gaps.push(format!("no @param {parameter}"));
            }
        }
        for line in lines() {
            let named = line.strip_prefix("@param ").and_then(|rest| rest.split(' ').next());
            if let Some(named) = named
                && !self.parameters.contains(&named)
            {
                gaps.push(format!("@param {named}, and there is no such parameter"));
            }
        }
        if self.returns != "void" && !starts("@return") {
            gaps.push("no @return".to_owned());
        }
        let missing = TAGS.iter().filter(|tag| !starts(tag));
        gaps.extend(missing.map(|tag| format!("no {tag}")));
        gaps
    }
}

/// Every function that follows a comment.
fn documented(header: &str) -> Vec<Function<'_>> {
    let comments = header.split("/**").skip(1);
    let parts = comments.filter_map(|part| part.split_once("*/"));
    parts.filter_map(|(comment, code)| function(comment, code)).collect()
}

fn function<'a>(comment: &'a str, code: &'a str) -> Option<Function<'a>> {
    let (declaration, _) = code.trim_start().split_once(';')?;
    let (head, rest) = declaration.split_once('(')?;
    let head = head.trim_end();
    let at = head.rfind(|letter: char| !is_word(letter))? + 1;
    let (before, name) = head.split_at(at);
    let first = head.split_whitespace().next()?;
    if !name.starts_with("nd_") || first == "typedef" || first.starts_with('#') {
        return None;
    }
    let (inside, _) = rest.rsplit_once(')')?;
    let parameters = inside.split(',').filter_map(parameter).collect();
    Some(Function { name, returns: before.trim(), parameters, comment })
}

/// The name in `const uint8_t *data` or `nd_connection list[]`; none in `void`.
fn parameter(text: &str) -> Option<&str> {
    let text = text.split('[').next()?.trim();
    let name = &text[text.rfind(|letter: char| !is_word(letter))? + 1..];
    (!name.is_empty()).then_some(name)
}

fn is_word(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || letter == '_'
}

/// A line of a comment without the star that leads it.
fn line_of_comment(line: &str) -> &str {
    line.trim().trim_start_matches('*').trim()
}

/// Whether the line begins with the tag as a whole word, and says something after it.
fn has_text_after(line: &str, tag: &str) -> bool {
    let rest = line.strip_prefix(tag);
    rest.is_some_and(|rest| rest.starts_with(' ') && !rest.trim().is_empty())
}

fn without_comments(text: &str) -> String {
    let mut parts = text.split("/*");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        out += part.split_once("*/").map_or("", |(_, code)| code);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMPLETE: &str = "/* nd_prose(x) */
/** A type. */
typedef void (*nd_callback)(void *user);
/**
 * Send a message.
 *
 * @param driver  the driver
 * @param data  bytes; may
 * be none
 * @return ND_OK
 * @thread any
 * @since 0.1
 */
nd_result nd_send(struct nd_driver *driver,
                  const uint8_t *data);
/**
 * The version.
 *
 * @return a number
 * @thread any
 * @since 0.1
 */
uint32_t nd_version(void);
";

    #[test]
    fn a_complete_header_has_no_gap() {
        assert_eq!(gaps(COMPLETE), Vec::<String>::new());
        assert_eq!(count(COMPLETE), 2);
    }

    #[test]
    fn each_thing_that_is_left_out_is_named() {
        let cases = [
            (" * Send a message.\n", "", "nd_send: no summary"),
            (" * @param data  bytes; may\n", "", "nd_send: no @param data"),
            ("  the driver\n", "\n", "nd_send: no @param driver"),
            (" * @return a number\n", "", "nd_version: no @return"),
            (" * @thread any\n", "", "nd_send: no @thread"),
            (" * @since 0.1\n", "", "nd_send: no @since"),
            (
                "@param data ",
                "@param data  x\n * @param date ",
                "nd_send: @param date, and there is no such parameter",
            ),
        ];
        for (from, to, expected) in cases {
            let spoiled = COMPLETE.replacen(from, to, 1);
            assert_eq!(gaps(&spoiled), [format!("    {expected}")]);
        }
    }

    #[test]
    fn a_function_without_a_comment_is_named() {
        let header = format!("{COMPLETE}nd_result nd_new(int a);\n");
        assert_eq!(gaps(&header), ["    nd_new has no comment"]);
        assert_eq!(gaps("").len(), 1);
    }
}
