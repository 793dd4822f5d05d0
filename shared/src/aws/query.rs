//! The Query protocol, for a service [without its SDK crate](super::bare).
//!
//! Source: "AWS query protocol" of the Smithy specification.

use aws_smithy_query::QueryWriter;
use aws_smithy_types::error::ErrorMetadata;
use aws_smithy_xml::decode::{Document, ScopedDecoder, XmlDecodeError, try_data};

use super::bare::{Bare, BareError, Request, Tries, metadata};
use super::client::Clients;

/// A service that speaks the Query protocol.
#[derive(Clone, Debug)]
pub(super) struct Query {
    service: Bare,
    version: &'static str,
}

impl Query {
    /// Makes it on the shared clients; `service` stands in the host name and in the signature.
    pub(super) fn new(clients: &Clients, service: &'static str, version: &'static str) -> Self {
        Self {
            service: Bare::new(clients, service),
            version,
        }
    }

    /// Calls `action` and answers the XML.
    pub(super) async fn call(
        &self,
        action: &'static str,
        tries: Tries,
        parameters: &[(String, &str)],
    ) -> Result<String, BareError> {
        let request = Request {
            content_type: "application/x-www-form-urlencoded",
            target: None,
            body: self.body(action, parameters),
        };
        let error = |body: &[u8]| error(body).ok();
        self.service.call(action, tries, request, error).await
    }

    fn body(&self, action: &str, parameters: &[(String, &str)]) -> String {
        let mut body = String::new();
        let mut writer = QueryWriter::new(&mut body, action, self.version);
        for (name, value) in parameters {
            writer.prefix(name).string(value);
        }
        writer.finish();
        body
    }
}

fn error(body: &[u8]) -> Result<ErrorMetadata, XmlDecodeError> {
    let mut document = Document::try_from(body)?;
    let mut root = document.root_element()?;
    let (mut code, mut message) = (None, None);
    each(&mut root, &mut |name, tag| {
        if name != "Error" {
            return Ok(());
        }
        each(tag, &mut |name, tag| {
            match name {
                "Code" => code = Some(text(tag)?),
                "Message" => message = Some(text(tag)?),
                _ => {}
            }
            Ok(())
        })
    })?;
    Ok(metadata(code, message))
}

/// What reads one element, by its name.
pub(super) type ReadElement<'r> =
    dyn for<'inp, 'a> FnMut(&str, &mut ScopedDecoder<'inp, 'a>) -> Result<(), XmlDecodeError> + 'r;

/// Reads what stands below the answer's result.
pub(super) fn read(answer: &str, element: &mut ReadElement<'_>) -> Result<(), XmlDecodeError> {
    let mut document = Document::new(answer);
    let mut root = document.root_element()?;
    each(&mut root, &mut |name, tag| match name.ends_with("Result") {
        true => each(tag, element),
        false => Ok(()),
    })
}

/// Reads each element of a scope.
pub(super) fn each(
    scope: &mut ScopedDecoder<'_, '_>,
    element: &mut ReadElement<'_>,
) -> Result<(), XmlDecodeError> {
    while let Some(mut tag) = scope.next_tag() {
        let name = tag.start_el().local().to_owned();
        element(&name, &mut tag)?;
    }
    Ok(())
}

/// Reads an element's text.
pub(super) fn text(tag: &mut ScopedDecoder<'_, '_>) -> Result<String, XmlDecodeError> {
    Ok(try_data(tag)?.into_owned())
}
