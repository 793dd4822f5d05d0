//! What every request is held against: the shapes of names and tokens, and
//! tokens that were used before.

use crate::error::ServiceError;
use crate::stack::StackKey;
use crate::stacks::Stacks;

/// Checks a name: letters, digits and hyphens after a letter, at most 128.
///
/// Source: `ChangeSetName` at
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateChangeSet.html>.
pub(crate) fn check_name(member: &str, name: &str) -> Result<(), ServiceError> {
    let starts_well = name.starts_with(|first: char| first.is_ascii_alphabetic());
    check(member, name, starts_well, "[a-zA-Z][-a-zA-Z0-9]*")
}

/// Checks a token: letters, digits and hyphens, none of them first, at most 128.
///
/// Source: `ClientRequestToken` at
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ExecuteChangeSet.html>.
pub(crate) fn check_token(token: Option<&str>) -> Result<(), ServiceError> {
    let Some(token) = token else { return Ok(()) };
    let starts_well = token.starts_with(|first: char| first.is_ascii_alphanumeric());
    let pattern = "[a-zA-Z0-9][-a-zA-Z0-9]*";
    check("clientRequestToken", token, starts_well, pattern)
}

fn check(member: &str, text: &str, starts_well: bool, pattern: &str) -> Result<(), ServiceError> {
    let is_well_made = |one: char| one.is_ascii_alphanumeric() || one == '-';
    let constraint = if text.len() > 128 {
        "Member must have length less than or equal to 128".to_owned()
    } else if !starts_well || !text.chars().all(is_well_made) {
        format!("Member must satisfy regular expression pattern: {pattern}")
    } else {
        return Ok(());
    };
    Err(ServiceError::validation(format!(
        "1 validation error detected: Value '{text}' at '{member}' failed to satisfy \
         constraint: {constraint}"
    )))
}

impl Stacks {
    /// Says whether a call with a token was made before.
    ///
    /// Source: "Specify this token if you plan to retry requests" and
    /// `TokenAlreadyExistsException`, `ClientRequestToken` at
    /// <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ExecuteChangeSet.html>.
    /// That the same call again is answered as the first, and any other call
    /// refused, for as long as the stack is there, is assumed.
    ///
    /// # Errors
    ///
    /// `TokenAlreadyExistsException` for one that was used for another call.
    pub(crate) fn is_repeated(
        &self,
        key: StackKey,
        token: Option<&str>,
        call: &str,
    ) -> Result<bool, ServiceError> {
        let Some(token) = token else { return Ok(false) };
        match self.stacks[key.0].tokens.get(token) {
            None => Ok(false),
            Some(earlier) if earlier == call => Ok(true),
            Some(_) => Err(ServiceError::token_already_exists(token)),
        }
    }

    /// Remembers a token.
    pub(crate) fn use_token(&mut self, key: StackKey, token: Option<&str>, call: String) {
        if let Some(token) = token {
            self.stacks[key.0].tokens.insert(token.to_owned(), call);
        }
    }
}
