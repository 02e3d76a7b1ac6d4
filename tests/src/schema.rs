//! Checks JSON against a JSON schema. Supports only the keywords used in docs/.

use serde_json::{Map, Value};

/// Why a value does not match a schema; empty if it does.
///
/// # Panics
/// The schema has an unsupported keyword.
pub fn faults(schema: &Value, value: &Value) -> Vec<String> {
    Checker(schema).faults(schema, value)
}

struct Checker<'s>(&'s Value);

impl Checker<'_> {
    fn faults(&self, schema: &Value, value: &Value) -> Vec<String> {
        let keywords = schema.as_object().expect("a schema");
        keywords.iter().flat_map(|(keyword, says)| self.keyword(keywords, keyword, says, value)).collect()
    }

    fn keyword(&self, all: &Map<String, Value>, keyword: &str, says: &Value, value: &Value) -> Vec<String> {
        let unless = |holds: bool| {
            if holds { Vec::new() } else { vec![format!("{keyword} {says} does not hold for {value}")] }
        };
        match keyword {
            "$schema" | "$defs" | "title" | "description" => Vec::new(),
            "type" => unless(says == kind(value)),
            "const" => unless(says == value),
            "enum" => unless(says.as_array().expect("a list").contains(value)),
            "required" => unless(strings(says).all(|name| value.get(name).is_some())),
            "additionalProperties" => {
                assert_eq!(says, false);
                let known = all["properties"].as_object().expect("properties");
                unless(
                    value
                        .as_object()
                        .is_some_and(|fields| fields.keys().all(|name| known.contains_key(name))),
                )
            }
            "properties" => {
                let fields = says.as_object().expect("properties").iter();
                fields.filter_map(|(name, of)| Some(self.faults(of, value.get(name)?))).flatten().collect()
            }
            "items" => {
                value.as_array().into_iter().flatten().flat_map(|item| self.faults(says, item)).collect()
            }
            "minItems" => unless(value.as_array().is_none_or(|list| list.len() >= length(says))),
            "maxItems" => unless(value.as_array().is_none_or(|list| list.len() <= length(says))),
            "oneOf" => {
                let fitting = says.as_array().expect("a list").iter();
                unless(fitting.filter(|one| self.faults(one, value).is_empty()).count() == 1)
            }
            "$ref" => {
                let pointer = says.as_str().and_then(|says| says.strip_prefix('#')).expect("a reference");
                self.faults(self.0.pointer(pointer).expect("a definition"), value)
            }
            keyword => panic!("unsupported keyword {keyword}"),
        }
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn strings(list: &Value) -> impl Iterator<Item = &str> {
    list.as_array().expect("a list").iter().map(|text| text.as_str().expect("a string"))
}

fn length(number: &Value) -> usize {
    number.as_u64().and_then(|number| usize::try_from(number).ok()).expect("a number")
}
