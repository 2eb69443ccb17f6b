//! Declarations by name.

use std::collections::BTreeMap;

use super::{Key, did_you_mean};
use crate::config::{
    Diagnostic, Environment, ErrorLogger, Flow, Integration, LogDestination, Reference, Secret, SecretSource,
    SourceLocation, Strategy, Target,
};
use crate::model::Slug;

/// What all declarations have.
pub(super) trait Declaration {
    /// What messages call one.
    const WHAT: &'static str;

    fn name(&self) -> &str;
    fn location(&self) -> &SourceLocation;

    /// The type, for those whose names are unique within it only.
    fn kind(&self) -> Option<&str> {
        None
    }
}

macro_rules! declarations {
    ($($type:ident: $what:literal $($kind:ident)?;)*) => {$(
        impl Declaration for $type {
            const WHAT: &'static str = $what;

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

/// How messages name a declaration.
pub(super) fn describe<T: Declaration>(declared: &T) -> String {
    format!("{} `{}`", T::WHAT, declared.name())
}

/// Type and name in lower case.
pub(super) fn key<T: Declaration>(declared: &T) -> Key {
    (declared.kind().map(str::to_ascii_lowercase), declared.name().to_ascii_lowercase())
}

/// The declarations of one kind.
pub(super) struct Index<'c, T> {
    by_key: BTreeMap<Key, &'c T>,
}

impl<'c, T: Declaration> Index<'c, T> {
    /// Reports names that are not names, and those that are there twice, whatever the case.
    pub(super) fn new(declarations: &'c [T], diagnostics: &mut Vec<Diagnostic>) -> Self {
        let mut by_key: BTreeMap<Key, &T> = BTreeMap::new();
        for declared in declarations {
            if let Err(error) = Slug::parse(declared.name()) {
                let diagnostic =
                    Diagnostic::error(declared.location().clone(), format!("{}: {}", T::WHAT, error.message()));
                diagnostics.push(diagnostic.with_hint_if(error.hint()));
            }
            if declared.kind() == Some("") {
                diagnostics.push(Diagnostic::error(
                    declared.location().clone(),
                    format!("{} has no type", describe(declared)),
                ));
            }
            match by_key.get(&key(declared)) {
                Some(first) => {
                    let of_kind = declared.kind().map(|kind| format!(" of type `{kind}`")).unwrap_or_default();
                    let message = format!("{}{of_kind} is declared twice", describe(declared));
                    let hint = match first.location() == declared.location() {
                        true => "names must differ by more than their case".to_owned(),
                        false => {
                            format!("the first is at {}; names must differ by more than their case", first.location())
                        }
                    };
                    diagnostics.push(Diagnostic::error(declared.location().clone(), message).with_hint(hint));
                }
                None => {
                    by_key.insert(key(declared), declared);
                }
            }
        }
        Self { by_key }
    }

    /// The declaration that is referred to; a fault if there is none, or more than one. `whose` names what refers to it.
    pub(super) fn find(
        &self,
        reference: &Reference,
        whose: &str,
        location: &SourceLocation,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Option<&'c T> {
        let name = reference.name.to_ascii_lowercase();
        let kind = reference.kind.as_ref().map(|kind| kind.to_ascii_lowercase());
        let same_name: Vec<&T> = self.by_key.values().copied().filter(|known| key(*known).1 == name).collect();
        let fits = |known: &&&T| kind.is_none() || key(**known).0 == kind;
        let mut found = same_name.iter().filter(fits);
        let diagnostic = |message: &str, hint: Option<String>| {
            let message = format!("{whose} names {} `{reference}`, {message}", T::WHAT);
            Diagnostic::error(location.clone(), message).with_hint_if(hint)
        };
        match (found.next(), found.next()) {
            (Some(only), None) => Some(*only),
            (Some(_), Some(_)) => {
                let kinds: Vec<String> =
                    same_name.iter().filter_map(|known| known.kind()).map(|k| format!("`{k}`")).collect();
                let hint = format!("there is one of each of the types {}: name the type too", kinds.join(", "));
                diagnostics.push(diagnostic("which could be more than one", Some(hint)));
                None
            }
            (None, _) => {
                let hint = match same_name.first().and_then(|known| known.kind()) {
                    Some(kind) => Some(format!("there is one of type `{kind}`")),
                    None => did_you_mean(&reference.name, self.by_key.values().map(|known| known.name())),
                };
                diagnostics.push(diagnostic("which is not declared", hint));
                None
            }
        }
    }
}
