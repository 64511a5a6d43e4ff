//! A request as a gateway sees it.

use std::fmt;

/// An HTTP request without a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The method, in upper case.
    pub method: String,
    /// The host, in lower case and without a port.
    pub host: String,
    /// The path, with a slash at its start and without a query.
    pub path: String,
    /// Headers: names in lower case, each once.
    headers: Vec<(String, String)>,
    /// Cookies, in the order of the request.
    cookies: Vec<(String, String)>,
    /// Query parameters, in the order of the request.
    query: Vec<(String, String)>,
}

/// What a route does to a header of the request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HeaderEdit {
    /// It has this value and no other.
    Set(String, String),
    /// It has this value besides.
    Add(String, String),
    /// It is gone.
    Remove(String),
}

impl Request {
    /// A GET request for a host and a path; a port, and a query behind the path, are left out of
    /// them.
    pub fn new(host: &str, path: &str) -> Self {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let slash = if path.starts_with('/') { "" } else { "/" };
        // An address of version 6 stands in brackets, which hold colons.
        let host = match host.rsplit_once(':') {
            Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
            _ => host,
        };
        let mut request = Self {
            method: "GET".to_owned(),
            host: host.to_ascii_lowercase(),
            path: format!("{slash}{path}"),
            headers: Vec::new(),
            cookies: Vec::new(),
            query: Vec::new(),
        };
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            request = request.with_query(name, value);
        }
        request
    }

    /// The request with another method.
    #[must_use]
    pub fn with_method(mut self, method: &str) -> Self {
        self.method = method.to_ascii_uppercase();
        self
    }

    /// The request with a header in the place of any of the same name; `cookie` gives cookies, and
    /// `host` the host.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: &str) -> Self {
        let name = name.to_ascii_lowercase();
        if name == "cookie" {
            for pair in value.split(';') {
                let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                self = self.with_cookie(name.trim(), value.trim());
            }
            return self;
        }
        if name == "host" {
            self.host = value.to_ascii_lowercase();
            return self;
        }
        self.headers.retain(|(other, _)| *other != name);
        self.headers.push((name, value.to_owned()));
        self
    }

    /// The request with one more cookie.
    #[must_use]
    pub fn with_cookie(mut self, name: &str, value: &str) -> Self {
        self.cookies.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The request with one more query parameter.
    #[must_use]
    pub fn with_query(mut self, name: &str, value: &str) -> Self {
        self.query.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The request as it leaves a route that does this to its headers.
    #[must_use]
    pub fn edited(&self, edits: &[HeaderEdit]) -> Self {
        let mut request = self.clone();
        for edit in edits {
            match edit {
                HeaderEdit::Set(name, value) => request = request.with_header(name, value),
                HeaderEdit::Remove(name) => {
                    request.headers.retain(|(other, _)| !other.eq_ignore_ascii_case(name));
                }
                // What is added to a value that is there makes a list of both.
                HeaderEdit::Add(name, value) => {
                    let value = match request.header(name) {
                        Some(there) => format!("{there},{value}"),
                        None => value.clone(),
                    };
                    request = request.with_header(name, &value);
                }
            }
        }
        request
    }

    /// The value of a header, whatever the case of its name; `cookie` gives all cookies.
    pub fn header(&self, name: &str) -> Option<String> {
        if name.eq_ignore_ascii_case("cookie") {
            let pair = |(name, value): &(String, String)| format!("{name}={value}");
            let pairs: Vec<String> = self.cookies.iter().map(pair).collect();
            return (!pairs.is_empty()).then(|| pairs.join("; "));
        }
        if name.eq_ignore_ascii_case("host") {
            return Some(self.host.clone());
        }
        let found = self.headers.iter().find(|(other, _)| other.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.clone())
    }

    /// The value of the first cookie of a name.
    pub fn cookie(&self, name: &str) -> Option<&str> {
        let found = self.cookies.iter().find(|(other, _)| other == name);
        found.map(|(_, value)| value.as_str())
    }

    /// The value of the first query parameter of a name.
    pub fn query(&self, name: &str) -> Option<&str> {
        let found = self.query.iter().find(|(other, _)| other == name);
        found.map(|(_, value)| value.as_str())
    }

    /// What the client sends beside method, host and path: headers, cookies, query.
    pub fn conditions(&self) -> Vec<(&'static str, &str, &str)> {
        let headers = self.headers.iter().map(|(n, v)| ("header", n.as_str(), v.as_str()));
        let cookies = self.cookies.iter().map(|(n, v)| ("cookie", n.as_str(), v.as_str()));
        let query = self.query.iter().map(|(n, v)| ("query", n.as_str(), v.as_str()));
        headers.chain(cookies).chain(query).collect()
    }
}

impl fmt::Display for Request {
    /// On one line: `GET http://example.com/ (x-user-id: 100, cookie a=b)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let query: Vec<String> = self.query.iter().map(|(n, v)| format!("{n}={v}")).collect();
        let mark = if query.is_empty() { "" } else { "?" };
        write!(f, "{} http://{}{}{mark}{}", self.method, self.host, self.path, query.join("&"))?;
        let headers = self.headers.iter().map(|(name, value)| format!("{name}: {value}"));
        let cookies = self.cookies.iter().map(|(name, value)| format!("cookie {name}={value}"));
        let rest: Vec<String> = headers.chain(cookies).collect();
        if rest.is_empty() { Ok(()) } else { write!(f, " ({})", rest.join(", ")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_headers_have_no_case() {
        let request = Request::new("Example.COM:8080", "a/b?x=1&y").with_header("X-Gray", "1");
        assert_eq!(request.header("x-gray").as_deref(), Some("1"));
        assert_eq!((request.host.as_str(), request.path.as_str()), ("example.com", "/a/b"));
        assert_eq!((request.query("x"), request.query("y")), (Some("1"), Some("")));
        assert_eq!(Request::new("[::1]", "/").host, "[::1]");
        let request = request.with_header("Cookie", "a=1; b=2").with_cookie("a", "3");
        assert_eq!(request.cookie("a"), Some("1"));
        assert_eq!(request.header("cookie").as_deref(), Some("a=1; b=2; a=3"));
    }

    #[test]
    fn routes_edit_headers() {
        let request = Request::new("a", "/").with_header("x-mse-tag", "blue");
        let of = |edit| request.edited(&[edit]).header("x-mse-tag");
        let (name, value) = (|| "X-MSE-Tag".to_owned(), || "gray".to_owned());
        assert_eq!(of(HeaderEdit::Set(name(), value())).as_deref(), Some("gray"));
        assert_eq!(of(HeaderEdit::Add(name(), value())).as_deref(), Some("blue,gray"));
        assert_eq!(of(HeaderEdit::Remove(name())), None);
    }
}
