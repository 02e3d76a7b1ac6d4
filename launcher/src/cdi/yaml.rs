//! YAML as the JSON value that it stands for. Aliases, tags and several documents are refused: no
//! specification uses them, and aliases can make a small file huge.

use saphyr_parser::{Event, Parser, ScalarStyle, Span, StrInput};
use serde_json::{Map, Value};

/// How deep values may be nested.
const DEEPEST: usize = 32;

/// Reads a document.
///
/// # Errors
/// The line, and what is wrong in it.
pub(super) fn read(text: &str) -> Result<Value, String> {
    let mut reader = Reader { parser: Parser::new_from_str(text) };
    let mut document = None;
    loop {
        match reader.next()? {
            (Event::StreamEnd, _) => return document.ok_or_else(|| "it is empty".to_owned()),
            (Event::DocumentStart(_), at) if document.is_some() => {
                return Err(refused(at, "more than one document"));
            }
            (Event::DocumentStart(_), _) => {
                let first = reader.next()?;
                document = Some(reader.value(first, 0)?);
            }
            _ => {}
        }
    }
}

struct Reader<'t> {
    parser: Parser<'t, StrInput<'t>>,
}

fn refused(at: Span, why: &str) -> String {
    format!("line {}: {why}", at.start.line())
}

impl<'t> Reader<'t> {
    fn next(&mut self) -> Result<(Event<'t>, Span), String> {
        let next = self.parser.next().unwrap_or_else(|| Ok((Event::StreamEnd, Span::default())));
        next.map_err(|error| format!("line {}: {}", error.marker().line(), error.info()))
    }

    fn value(&mut self, (event, at): (Event<'t>, Span), depth: usize) -> Result<Value, String> {
        if depth > DEEPEST {
            return Err(refused(at, "it is nested too deep"));
        }
        match event {
            Event::Scalar(text, style, 0, None) => {
                Ok(if style == ScalarStyle::Plain { plain(&text) } else { text.into_owned().into() })
            }
            Event::SequenceStart(0, None) => self.list(depth),
            Event::MappingStart(0, None) => self.object(depth),
            _ => Err(refused(at, "anchors, aliases and tags are not supported")),
        }
    }

    fn list(&mut self, depth: usize) -> Result<Value, String> {
        let mut list = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, _) => return Ok(list.into()),
                first => list.push(self.value(first, depth + 1)?),
            }
        }
    }

    fn object(&mut self, depth: usize) -> Result<Value, String> {
        let mut object = Map::new();
        loop {
            let (name, at) = match self.next()? {
                (Event::MappingEnd, _) => return Ok(object.into()),
                (Event::Scalar(name, _, 0, None), at) => (name.into_owned(), at),
                (_, at) => return Err(refused(at, "a name must be a string")),
            };
            let first = self.next()?;
            let value = self.value(first, depth + 1)?;
            if object.insert(name, value).is_some() {
                return Err(refused(at, "this name is there twice"));
            }
        }
    }
}

/// A scalar without quotes: YAML 1.2, 10.3.2, "Tag Resolution". Specifications have no other numbers.
fn plain(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => true.into(),
        "false" | "False" | "FALSE" => false.into(),
        _ => text.parse::<i64>().map(Value::from).ok().unwrap_or_else(|| text.into()),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::read;
    use serde_json::json;

    #[test]
    fn blocks_flows_and_scalars_are_read() {
        let text = "---\n# a comment\na: [1, \"2\", 'x']\nb:\n- c: true\n  d: ~\n- {\"e\": [], f: v1.2.3}\ng: >-\n  one\n  two\n";
        let value = json!({"a": [1, "2", "x"], "b": [{"c": true, "d": null}, {"e": [], "f": "v1.2.3"}], "g": "one two"});
        assert_eq!(read(text), Ok(value));
    }

    #[test]
    fn what_is_not_a_plain_document_is_refused_with_its_line() {
        for (text, why) in [
            ("", "it is empty"),
            ("a: 1\na: 2\n", "line 2: this name is there twice"),
            ("a: &x 1\nb: *x\n", "line 1: anchors, aliases and tags are not supported"),
            ("a: !!str 1\n", "line 1: anchors, aliases and tags are not supported"),
            ("a: 1\n---\nb: 2\n", "line 2: more than one document"),
            ("? [1]\n: 2\n", "line 1: a name must be a string"),
        ] {
            assert_eq!(read(text), Err(why.to_owned()), "{text}");
        }
        assert!(read("a: [1\nb: 2\n").unwrap_err().starts_with("line "));
        assert!(
            read(&format!("{}{}", "[".repeat(40), "]".repeat(40))).unwrap_err().contains("nested too deep")
        );
    }
}
