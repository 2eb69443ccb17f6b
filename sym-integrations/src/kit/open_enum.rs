//! Enums of values that a service may extend.

/// Defines an enum with a text for each variant, and a variant `Other` that keeps any other text.
///
/// A service adds values without notice: a client that rejected them would fail on a list because of one object, and one that
/// dropped the text could not say in an error which value it was. The enum has `as_str`, `Display`, conversions from and into
/// `String`, and reads and writes itself as JSON text.
///
/// ```
/// sym_integrations::open_enum! {
///     /// The state of a weather station.
///     pub enum StationState {
///         /// It sends data.
///         Online = "ONLINE",
///         /// It is switched off.
///         Offline = "OFFLINE",
///     }
/// }
///
/// assert_eq!(StationState::from("ONLINE".to_owned()), StationState::Online);
/// assert_eq!(StationState::from("FROZEN".to_owned()).to_string(), "FROZEN");
/// ```
#[macro_export]
macro_rules! open_enum {
    ($(#[$doc:meta])* $vis:vis enum $name:ident { $($(#[$about:meta])* $variant:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        $vis enum $name {
            $($(#[$about])* $variant,)*
            /// A value that this version does not know, as the service writes it.
            Other(String),
        }

        impl $name {
            /// The text that the service has for it.
            $vis fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $text,)*
                    Self::Other(text) => text,
                }
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                match text.as_str() {
                    $($text => Self::$variant,)*
                    _ => Self::Other(text),
                }
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.as_str().to_owned()
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl $crate::kit::__private::Serialize for $name {
            fn serialize<S: $crate::kit::__private::Serializer>(&self, serializer: S) -> ::std::result::Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> $crate::kit::__private::Deserialize<'de> for $name {
            fn deserialize<D: $crate::kit::__private::Deserializer<'de>>(deserializer: D) -> ::std::result::Result<Self, D::Error> {
                <String as $crate::kit::__private::Deserialize>::deserialize(deserializer).map(Self::from)
            }
        }
    };
}
