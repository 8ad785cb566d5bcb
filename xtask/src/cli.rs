//! The command line: a table of commands, their flags, and the help made from it.
//! Parsing never guesses: whatever is not in the table is an error that names the choices.

use std::collections::BTreeMap;

use crate::error::{Context, Error, Result};
use crate::paths::Project;

/// One flag of a command.
#[derive(Clone, Copy)]
pub struct Flag {
    name: &'static str,
    value: Option<&'static str>,
    help: &'static str,
}

impl Flag {
    /// A flag that is there or not.
    pub const fn switch(name: &'static str, help: &'static str) -> Self {
        Self { name, value: None, help }
    }

    /// A flag with a value: `--name VALUE` or `--name=VALUE`.
    pub const fn value(name: &'static str, value: &'static str, help: &'static str) -> Self {
        Self { name, value: Some(value), help }
    }

    /// Its name, with the dashes.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    fn shown(&self) -> String {
        match self.value {
            Some(value) => format!("{} {value}", self.name),
            None => self.name.to_owned(),
        }
    }
}

/// One command: what it takes and what it runs.
pub struct Command {
    /// What stands after `cargo xtask`.
    pub name: &'static str,
    /// The name of the one optional positional argument, if it takes one.
    pub operand: Option<&'static str>,
    /// The flags it accepts.
    pub flags: &'static [Flag],
    /// One line for the help.
    pub summary: &'static str,
    /// The work.
    pub run: fn(&Project, &Args) -> Result<()>,
}

/// The arguments of one command, checked against its table.
#[derive(Debug, Default)]
pub struct Args {
    values: BTreeMap<&'static str, String>,
    /// The positional argument.
    pub operand: Option<String>,
}

impl Args {
    /// Whether the flag was given.
    pub fn has(&self, flag: &str) -> bool {
        self.values.contains_key(flag)
    }

    /// A flag's value as a number of type `T`.
    pub fn number<T: std::str::FromStr>(&self, flag: &str) -> Result<Option<T>> {
        let Some(text) = self.values.get(flag) else {
            return Ok(None);
        };
        let parsed = text.parse().ok();
        parsed.map(Some).ok_or_else(|| {
            Error::new(format!("{flag} needs a number in its range, and \"{text}\" is none"))
        })
    }

    /// A flag's value as it was given.
    pub fn text(&self, flag: &str) -> Option<&str> {
        self.values.get(flag).map(String::as_str)
    }

    /// A flag's value split at its commas; empty when the flag is not there.
    pub fn list(&self, flag: &str) -> Vec<&str> {
        let text = self.text(flag).unwrap_or_default();
        text.split(',').map(str::trim).filter(|part| !part.is_empty()).collect()
    }
}

/// Finds the command, parses its arguments and runs it.
pub fn dispatch(commands: &[Command], words: Vec<String>) -> Result<()> {
    let Some((name, rest)) = words.split_first() else {
        print!("{}", help(commands));
        return Ok(());
    };
    if matches!(name.as_str(), "help" | "--help" | "-h") {
        print!("{}", help(commands));
        return Ok(());
    }
    let Some(command) = commands.iter().find(|command| command.name == name) else {
        let names: Vec<_> = commands.iter().map(|command| command.name).collect();
        let names = names.join(", ");
        return Err(Error::new(format!("there is no command \"{name}\"; there are: {names}")));
    };
    if rest.iter().any(|word| word == "--help" || word == "-h") {
        print!("{}", command_help(command));
        return Ok(());
    }
    let args = parse(command, rest).context(name)?;
    (command.run)(&Project::find()?, &args)
}

/// Checks the words after the command's name against its table.
pub fn parse(command: &Command, words: &[String]) -> Result<Args> {
    let mut args = Args::default();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        if !word.starts_with('-') {
            if command.operand.is_none() || args.operand.is_some() {
                return Err(Error::new(format!("\"{word}\" is one argument too many")));
            }
            args.operand = Some(word.clone());
            continue;
        }
        let (name, inline) = match word.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (word.as_str(), None),
        };
        let Some(flag) = command.flags.iter().find(|flag| flag.name == name) else {
            let known: Vec<_> = command.flags.iter().map(Flag::shown).collect();
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            return Err(Error::new(format!("there is no flag {name}; there are: {known}")));
        };
        let value = match (flag.value, inline) {
            (None, None) => String::new(),
            (None, Some(_)) => return Err(Error::new(format!("{name} takes no value"))),
            (Some(_), Some(value)) => value,
            (Some(what), None) => words
                .next()
                .cloned()
                .ok_or_else(|| Error::new(format!("{name} needs a value: {name} {what}")))?,
        };
        if args.values.insert(flag.name, value).is_some() {
            return Err(Error::new(format!("{name} is there twice")));
        }
    }
    Ok(args)
}

fn usage(command: &Command) -> String {
    let mut text = command.name.to_owned();
    if let Some(operand) = command.operand {
        text += &format!(" [{operand}]");
    }
    for flag in command.flags {
        text += &format!(" [{}]", flag.shown());
    }
    text
}

fn help(commands: &[Command]) -> String {
    let mut text = "usage: cargo xtask COMMAND [ARGUMENTS]\n\n".to_owned();
    for command in commands {
        text += &format!("  {:<10} {}\n", command.name, command.summary);
    }
    text += "\ncargo xtask COMMAND --help lists a command's arguments.\n";
    text
}

fn command_help(command: &Command) -> String {
    let mut text = format!("usage: cargo xtask {}\n\n{}\n", usage(command), command.summary);
    for flag in command.flags {
        text += &format!("  {:<16} {}\n", flag.shown(), flag.help);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMAND: Command = Command {
        name: "demo",
        operand: Some("WHAT"),
        flags: &[Flag::switch("--fast", "quick"), Flag::value("--seconds", "N", "time")],
        summary: "a demo",
        run: |_, _| Ok(()),
    };

    fn parsed(words: &[&str]) -> Result<Args> {
        let words: Vec<_> = words.iter().map(|&word| word.to_owned()).collect();
        parse(&COMMAND, &words)
    }

    fn message(words: &[&str]) -> String {
        parsed(words).expect_err("must be refused").to_string()
    }

    #[test]
    fn takes_flags_values_and_the_operand() {
        let args = parsed(&["--seconds", "7", "here", "--fast"]).expect("valid");
        assert!(args.has("--fast"));
        assert_eq!(args.number::<u64>("--seconds").expect("a number"), Some(7));
        assert_eq!(args.operand.as_deref(), Some("here"));
        let args = parsed(&["--seconds=9"]).expect("valid");
        assert_eq!(args.number::<u64>("--seconds").expect("a number"), Some(9));
        assert!(!args.has("--fast"));
    }

    #[test]
    fn refuses_what_is_not_in_the_table_and_names_the_choices() {
        assert_eq!(message(&["--slow"]), "there is no flag --slow; there are: --fast, --seconds N");
        assert_eq!(message(&["a", "b"]), "\"b\" is one argument too many");
        assert_eq!(message(&["--seconds"]), "--seconds needs a value: --seconds N");
        assert_eq!(message(&["--fast=1"]), "--fast takes no value");
        assert_eq!(message(&["--fast", "--fast"]), "--fast is there twice");
    }

    #[test]
    fn a_number_out_of_range_is_an_error() {
        let args = parsed(&["--seconds", "70000"]).expect("parses as text");
        assert!(args.number::<u16>("--seconds").is_err());
        assert!(args.number::<u32>("--seconds").is_ok());
    }

    #[test]
    fn lists_split_at_commas() {
        let args = parsed(&["--seconds", "a, b,,c"]).expect("valid");
        assert_eq!(args.list("--seconds"), ["a", "b", "c"]);
        assert!(parsed(&[]).expect("valid").list("--seconds").is_empty());
    }
}
