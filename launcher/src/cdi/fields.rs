//! Reads the fields of a document, and names each in errors by its path, such as `devices[0].name`.

use serde_json::{Map, Value};

/// A value and its path in the document.
pub(super) struct Field<'v> {
    path: String,
    value: &'v Value,
}

/// The members of an object.
pub(super) struct Object<'v> {
    path: String,
    members: &'v Map<String, Value>,
}

impl<'v> Field<'v> {
    /// The whole document.
    pub(super) fn document(value: &'v Value) -> Field<'v> {
        Field { path: String::new(), value }
    }

    /// An error about this field.
    pub(super) fn error(&self, why: &str) -> String {
        if self.path.is_empty() { why.to_owned() } else { format!("{}: {why}", self.path) }
    }

    /// The text.
    pub(super) fn text(&self) -> Result<&'v str, String> {
        self.value.as_str().ok_or_else(|| self.error("it must be a string"))
    }

    /// The members of a list.
    pub(super) fn list(&self) -> Result<Vec<Field<'v>>, String> {
        let list = self.value.as_array().ok_or_else(|| self.error("it must be a list"))?;
        let member = |(at, value)| Field { path: format!("{}[{at}]", self.path), value };
        Ok(list.iter().enumerate().map(member).collect())
    }

    /// The object, all of whose members have one of these names.
    pub(super) fn object(&self, known: &[&str]) -> Result<Object<'v>, String> {
        let object = self.any_object()?;
        match object.members.keys().find(|name| !known.contains(&name.as_str())) {
            Some(name) => Err(format!("{}: unknown field", object.path_of(name))),
            None => Ok(object),
        }
    }

    /// The object with any members.
    pub(super) fn any_object(&self) -> Result<Object<'v>, String> {
        let members = self.value.as_object().ok_or_else(|| self.error("it must be an object"))?;
        Ok(Object { path: self.path.clone(), members })
    }
}

impl<'v> Object<'v> {
    fn path_of(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }

    /// A member, unless it is missing, null or an empty list.
    pub(super) fn get(&self, name: &str) -> Option<Field<'v>> {
        let is_empty = |value: &Value| value.is_null() || value.as_array().is_some_and(Vec::is_empty);
        let value = self.members.get(name).filter(|value| !is_empty(value))?;
        Some(Field { path: self.path_of(name), value })
    }

    /// A member that must be there.
    pub(super) fn needed(&self, name: &str) -> Result<Field<'v>, String> {
        self.get(name).ok_or_else(|| format!("{}: it is missing", self.path_of(name)))
    }

    /// The members of a list that may be missing.
    pub(super) fn list(&self, name: &str) -> Result<Vec<Field<'v>>, String> {
        self.get(name).map_or(Ok(Vec::new()), |list| list.list())
    }

    /// A list of strings that may be missing.
    pub(super) fn texts(&self, name: &str) -> Result<Vec<&'v str>, String> {
        self.list(name)?.iter().map(Field::text).collect()
    }
}
