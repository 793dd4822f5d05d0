//! Which parameters and resources a value of a template names.

use serde_json::Value;

/// One name in a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reference<'a> {
    /// `Ref` of a parameter or resource.
    Name(&'a str),
    /// `Fn::GetAtt` of a resource.
    Attribute(&'a str),
}

/// A piece of the text of `Fn::Sub`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Piece<'a> {
    /// As it is.
    Text(&'a str),
    /// `${…}`: a name, or a name and an attribute.
    Variable(&'a str),
    /// `${!…}`: stays `${…}`.
    Literal(&'a str),
}

/// Takes the text of `Fn::Sub` apart.
///
/// Source: <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-sub.html>.
pub(crate) fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        let Some((inside, behind)) = after.split_once('}') else {
            break;
        };
        pieces.push(Piece::Text(before));
        pieces.push(match inside.strip_prefix('!') {
            Some(literal) => Piece::Literal(literal),
            None => Piece::Variable(inside.trim()),
        });
        rest = behind;
    }
    pieces.push(Piece::Text(rest));
    pieces
}

/// The one function that an object is, if it is one.
pub(crate) fn function(value: &Value) -> Option<(&str, &Value)> {
    let members = value.as_object().filter(|members| members.len() == 1)?;
    let (name, argument) = members.iter().next()?;
    (name == "Ref" || name == "Condition" || name.starts_with("Fn::"))
        .then_some((name.as_str(), argument))
}

/// Takes the argument of `Fn::GetAtt` apart, in both of its forms.
pub(crate) fn attribute(argument: &Value) -> Option<(&str, &str)> {
    match argument {
        Value::String(text) => text.split_once('.'),
        Value::Array(parts) => Some((parts.first()?.as_str()?, parts.get(1)?.as_str()?)),
        _ => None,
    }
}

/// Shows each name in a value to `see`.
pub(crate) fn visit<'a>(value: &'a Value, see: &mut impl FnMut(Reference<'a>)) {
    match function(value) {
        Some(("Ref", Value::String(name))) => return see(Reference::Name(name)),
        Some(("Fn::GetAtt", argument)) => {
            if let Some((name, _)) = attribute(argument) {
                see(Reference::Attribute(name));
            }
            return;
        }
        Some(("Fn::Sub", Value::String(text))) => return visit_text(text, &|_| false, see),
        Some(("Fn::Sub", Value::Array(parts))) => {
            let own = parts.get(1).and_then(Value::as_object);
            if let Some(text) = parts.first().and_then(Value::as_str) {
                visit_text(
                    text,
                    &|name| own.is_some_and(|own| own.contains_key(name)),
                    see,
                );
            }
            for value in own.into_iter().flat_map(|own| own.values()) {
                visit(value, see);
            }
            return;
        }
        _ => {}
    }
    match value {
        Value::Array(entries) => entries.iter().for_each(|entry| visit(entry, see)),
        Value::Object(members) => members.values().for_each(|member| visit(member, see)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn visit_text<'a>(
    text: &'a str,
    is_own: &dyn Fn(&str) -> bool,
    see: &mut impl FnMut(Reference<'a>),
) {
    for piece in pieces(text) {
        if let Piece::Variable(name) = piece {
            match name.split_once('.') {
                _ if is_own(name) => {}
                Some((name, _)) => see(Reference::Attribute(name)),
                None => see(Reference::Name(name)),
            }
        }
    }
}
