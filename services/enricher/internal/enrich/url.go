package enrich

import "strings"

// A pageURL is a page's URL in the parts that are stored.
type pageURL struct {
	text string // the URL without user name and password
	host string // lower case, without port; of an IPv6 literal without brackets
	path string // as sent, without query and fragment

	redacted bool // user name and password were taken off
}

// splitURL takes a URL apart as browsers do (WHATWG URL §4.4), as far as it can: an address bar holds much that net/url refuses (a lone %, a
// space), and an event is not worth less for it. It allocates only for what it changes: credentials, line ends, capitals of the host.
func splitURL(url string) pageURL {
	url, redacted := withoutCredentials(url)
	scheme, rest, found := strings.Cut(url, ":")
	delimiters := "/?#"
	switch {
	case found && isWeb(scheme):
		rest, delimiters = strings.TrimLeft(rest, `/\`), `/?#\`
	case found && isScheme(scheme) && strings.HasPrefix(rest, "//"):
		rest = rest[2:]
	case strings.HasPrefix(url, "//"):
		rest, delimiters = url[2:], `/?#\`
	case strings.HasPrefix(url, "/"):
		return pageURL{text: url, path: beforeQuery(url), redacted: redacted}
	default:
		return pageURL{text: url, redacted: redacted} // about:blank, data:…
	}
	authority, tail := rest, ""
	if end := strings.IndexAny(rest, delimiters); end >= 0 {
		authority, tail = rest[:end], rest[end:]
	}
	return pageURL{url, strings.ToLower(hostOf(authority)), beforeQuery(tail), redacted}
}

func isScheme(s string) bool {
	for i := range len(s) {
		switch c := s[i] | 0x20; {
		case c >= 'a' && c <= 'z':
		case i > 0 && (s[i] >= '0' && s[i] <= '9' || s[i] == '+' || s[i] == '-' || s[i] == '.'):
		default:
			return false
		}
	}
	return s != ""
}

func hostOf(authority string) string {
	if literal, found := strings.CutPrefix(authority, "["); found {
		host, _, _ := strings.Cut(literal, "]")
		return host
	}
	host, _, _ := strings.Cut(authority, ":")
	return host
}

func beforeQuery(s string) string {
	if end := strings.IndexAny(s, "?#"); end >= 0 {
		return s[:end]
	}
	return s
}
