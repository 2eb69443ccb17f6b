//! Indexes of declarations by type and name, and the look-up of references.
//!
//! Names ignore case, as everywhere in the configuration.

use std::collections::BTreeMap;

use super::{Key, did_you_mean};
use crate::config::{
    Diagnostic, Environment, ErrorLogger, Flow, Integration, LogDestination, Reference, Secret, SecretSource,
    SourceLocation, Strategy, Target,
};
use crate::model::Slug;

/// A declaration of the configuration.
pub(super) trait Declaration {
    /// The noun for a declaration of this kind in messages.
    const NOUN: &'static str;

    fn name(&self) -> &str;
    fn location(&self) -> &SourceLocation;

    /// Returns the type, for declarations whose names are unique within their type only.
    fn kind(&self) -> Option<&str> {
        None
    }
}

macro_rules! declarations {
    ($($type:ident: $what:literal $($kind:ident)?;)*) => {$(
        impl Declaration for $type {
            const NOUN: &'static str = $what;

            fn name(&self) -> &str {
                &self.name
            }

            fn location(&self) -> &SourceLocation {
                &self.location
            }

            $(fn kind(&self) -> Option<&str> {
                Some(&self.$kind)
            })?
        }
    )*};
}

declarations! {
    Environment: "environment";
    ErrorLogger: "error logger";
    Flow: "flow";
    Integration: "integration" kind;
    LogDestination: "log destination" kind;
    Secret: "secret";
    SecretSource: "secret source" kind;
    Strategy: "strategy" kind;
    Target: "target" kind;
}

/// Describes a declaration in a message: ``flow `prod` ``.
pub(super) fn describe<T: Declaration>(declared: &T) -> String {
    format!("{} `{}`", T::NOUN, declared.name())
}

/// Returns the type and the name of a declaration in lower case.
pub(super) fn key<T: Declaration>(declared: &T) -> Key {
    (declared.kind().map(str::to_ascii_lowercase), declared.name().to_ascii_lowercase())
}

/// The declarations of one kind.
pub(super) struct Index<'c, T> {
    by_key: BTreeMap<Key, &'c T>,
}

impl<'c, T: Declaration> Index<'c, T> {
    /// Indexes declarations. Reports invalid names, and names that differ by their case only.
    pub(super) fn new(declarations: &'c [T], errors: &mut Vec<Diagnostic>) -> Self {
        let mut by_key: BTreeMap<Key, &T> = BTreeMap::new();
        for declared in declarations {
            if let Err(error) = Slug::parse(declared.name()) {
                let diagnostic =
                    Diagnostic::error(declared.location().clone(), format!("{}: {}", T::NOUN, error.message()));
                errors.push(diagnostic.with_hint_if(error.hint()));
            }
            if declared.kind() == Some("") {
                errors.push(Diagnostic::error(
                    declared.location().clone(),
                    format!("{} has no type", describe(declared)),
                ));
            }
            match by_key.get(&key(declared)) {
                Some(first) => {
                    let of_kind = declared.kind().map(|kind| format!(" of type `{kind}`")).unwrap_or_default();
                    let message = format!("{}{of_kind} is declared twice", describe(declared));
                    let hint = match first.location() == declared.location() {
                        true => "names must be unique, ignoring case".to_owned(),
                        false => {
                            format!(
                                "the first declaration is at {}; names must be unique, ignoring case",
                                first.location()
                            )
                        }
                    };
                    errors.push(Diagnostic::error(declared.location().clone(), message).with_hint(hint));
                }
                None => {
                    by_key.insert(key(declared), declared);
                }
            }
        }
        Self { by_key }
    }

    /// Finds the declaration that `subject` refers to. Reports references to none, and to more than one.
    pub(super) fn find(
        &self,
        reference: &Reference,
        subject: &str,
        location: &SourceLocation,
        errors: &mut Vec<Diagnostic>,
    ) -> Option<&'c T> {
        let name = reference.name.to_ascii_lowercase();
        let kind = reference.kind.as_ref().map(|kind| kind.to_ascii_lowercase());
        let same_name: Vec<&T> = self.by_key.values().copied().filter(|known| key(*known).1 == name).collect();
        let fits = |known: &&&T| kind.is_none() || key(**known).0 == kind;
        let mut found = same_name.iter().filter(fits);
        let diagnostic = |message: &str, hint: Option<String>| {
            let message = format!("{subject} names {} `{reference}`, {message}", T::NOUN);
            Diagnostic::error(location.clone(), message).with_hint_if(hint)
        };
        match (found.next(), found.next()) {
            (Some(only), None) => Some(*only),
            (Some(_), Some(_)) => {
                let kinds: Vec<String> =
                    same_name.iter().filter_map(|known| known.kind()).map(|k| format!("`{k}`")).collect();
                let hint = format!("add the type: declarations of this name have the types {}", kinds.join(", "));
                errors.push(diagnostic("which is ambiguous", Some(hint)));
                None
            }
            (None, _) => {
                let hint = match same_name.first().and_then(|known| known.kind()) {
                    Some(kind) => Some(format!("a declaration of this name has the type `{kind}`")),
                    None => did_you_mean(&reference.name, self.by_key.values().map(|known| known.name())),
                };
                errors.push(diagnostic("which is not declared", hint));
                None
            }
        }
    }
}
