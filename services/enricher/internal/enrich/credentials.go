package enrich

import "strings"

// withoutCredentials takes user names and passwords off a URL, and off the URLs within it (?next=https://user:password@host/), however
// they are written: it reads as browsers do (WHATWG URL §4.4), who take tabs and line ends out, trim controls and spaces, take \ for /, want
// no slashes after https:, and end the user's part at the last @; and what stands percent-encoded within another URL, as often as it was
// encoded. A text without a scheme (//user:password@host, user:password@host) is read alike. Where it cannot be told what is meant, rather
// too much is taken off, and taken says that something was. It allocates only when it changes something.
func withoutCredentials(url string) (clean string, taken bool) {
	url = trimmed(url)
	if strings.IndexByte(url, '@') < 0 && !strings.Contains(url, "%40") && !strings.Contains(url, "2540") {
		return url, false
	}
	if end := opaqueCredentials(url); end > 0 {
		url, taken = url[end:], true
	}
	var out []byte
	done := 0 // url up to here is in out, or taken off
	for at := 0; at < len(url); {
		a, found := nextAuthority(url, at)
		if !found {
			break
		}
		host, end := a.host(url)
		if at = end; host > a.start {
			out = append(out, url[done:a.start]...)
			done, at = host, max(host, end)
		}
	}
	if done == 0 {
		return url, taken
	}
	return string(append(out, url[done:]...)), true
}

// trimmed is url without controls and spaces around it, and without tabs and line ends.
func trimmed(url string) string {
	for len(url) > 0 && url[0] <= ' ' {
		url = url[1:]
	}
	for len(url) > 0 && url[len(url)-1] <= ' ' {
		url = url[:len(url)-1]
	}
	for _, c := range []byte("\t\n\r") {
		if strings.IndexByte(url, c) >= 0 {
			url = strings.ReplaceAll(url, string(rune(c)), "")
		}
	}
	return url
}

// An authority is where the user's part and the host of a URL stand: behind two slashes, or behind a web scheme.
type authority struct {
	start int
	// first: nothing but a scheme stands before it. Others end at what separates parameters, too.
	first bool
	// named: a scheme stands before it. Of the others those that lack a password are left alone: /a//@b is a path.
	named bool
	// width of the slashes before it: 1, or more where they are percent-encoded. What is encoded more often is part of a name.
	width int
}

// nextAuthority finds the first authority of url at or after from.
func nextAuthority(url string, from int) (a authority, found bool) {
	slashes, colon, width := 0, false, 1
	word, first := from, from == 0 // where the word before at begins; whether it is all that stands before at
	for at := from; at < len(url); {
		c, n := decoded(url, at)
		switch {
		case c == '/' || c == '\\':
			slashes++
			width = n
		case slashes >= 2:
			return authority{at, first, colon, width}, true
		case c == ':' && isWeb(url[word:at]):
			at, width = afterSlashes(url, at+n)
			return authority{at, first, true, width}, at < len(url)
		default:
			first = first && slashes == 0 && !colon && (c == ':' || isWordByte(c))
			colon, slashes = c == ':', 0
			if !isWordByte(c) {
				word = at + n
			} else if at > 0 && word < at && !isWordByte(url[at-1]) {
				word = at
			}
		}
		at += n
	}
	return authority{}, false
}

// afterSlashes skips slashes, of which browsers want none behind a web scheme, and returns how wide they are written.
func afterSlashes(url string, at int) (after, width int) {
	width = 1
	for at < len(url) {
		c, n := decoded(url, at)
		switch {
		case c == '/' || c == '\\':
			width = n
		case c > ' ':
			return at, width
		}
		at += n
	}
	return at, width
}

// host is where the host begins, a.start where no user's part is before it, and where the authority ends.
func (a authority) host(url string) (host, end int) {
	host, end = a.start, a.start
	password := false
	for end < len(url) {
		c, n := decoded(url, end)
		if a.ends(c, n) {
			break
		}
		end += n
		if c == '@' {
			host = end
		}
		password = password || c == ':'
	}
	switch {
	case host == a.start && (a.first || a.named) && brokenPort(url[a.start:end]):
		return max(host, a.lastAt(url, end)), end
	case !a.first && (!a.named && !password || host == a.start+1):
		return a.start, end
	}
	return host, end
}

// ends tells whether c, written in n bytes, ends the authority.
func (a authority) ends(c byte, n int) bool {
	switch {
	case c == '/' || c == '\\' || c == '?' || c == '#':
		return n <= a.width
	case c <= ' ' || c == '&' || c == '"' || c == '\'' || c == '<' || c == '>':
		return !a.first && (n < a.width || n == 1)
	}
	return false
}

// lastAt is the index behind the last @ after from, for a password that has a delimiter in it, or 0; for a URL within another not beyond
// its path, and not far.
func (a authority) lastAt(url string, from int) int {
	within := url[from:]
	if !a.first {
		within = within[:min(len(within), 256)]
		if end := strings.IndexAny(within, `/\?#`); end >= 0 {
			within = within[:end]
		}
	}
	if last := strings.LastIndexByte(within, '@'); last >= 0 {
		return from + last + 1
	}
	return 0
}

// brokenPort tells whether what looks like host and port has a port that is no number.
func brokenPort(s string) bool {
	_, port, found := strings.Cut(s, ":")
	return found && s[0] != '[' && strings.Trim(port, "0123456789") != ""
}

// opaqueCredentials is the length of user:password@ at the beginning of a URL without scheme and slashes; 0 when there is none.
func opaqueCredentials(url string) int {
	end, colon := 0, -1
	for at := 0; at < len(url); {
		c, n := decoded(url, at)
		if strings.IndexByte(`/\?#`, c) >= 0 {
			break
		}
		if c == ':' && colon < 0 {
			colon = at
		}
		at += n
		if c == '@' && colon >= 0 {
			end = at
		}
	}
	if end > 0 && (isWeb(url[:colon]) || isOpaque(url[:colon])) {
		return 0
	}
	return end
}

// isWeb tells whether browsers read an authority behind scheme and a colon even without slashes (WHATWG's special schemes).
func isWeb(scheme string) bool {
	for _, web := range [...]string{"http", "https", "ws", "wss", "ftp"} {
		if strings.EqualFold(scheme, web) {
			return true
		}
	}
	return false
}

// isOpaque tells whether an @ behind scheme and a colon is part of an address or of a text.
func isOpaque(scheme string) bool {
	for _, opaque := range [...]string{"mailto", "sip", "sips", "xmpp", "acct", "im", "tel", "sms", "urn", "data", "javascript", "about", "cid", "mid"} {
		if strings.EqualFold(scheme, opaque) {
			return true
		}
	}
	return false
}

func isWordByte(c byte) bool {
	return c|0x20 >= 'a' && c|0x20 <= 'z' || c >= '0' && c <= '9' || c == '+' || c == '-' || c == '.'
}

// decoded is the character at url[at] and how many bytes it takes there: %40, %2540 and so on are an @.
func decoded(url string, at int) (c byte, n int) {
	if url[at] != '%' {
		return url[at], 1
	}
	digits := at + 1
	for strings.HasPrefix(url[digits:], "25") {
		digits += 2
	}
	if digits+2 <= len(url) {
		high, low := unhex(url[digits]), unhex(url[digits+1])
		if high < 16 && low < 16 {
			return high<<4 | low, digits + 2 - at
		}
	}
	return '%', 1
}

func unhex(c byte) byte {
	switch {
	case c >= '0' && c <= '9':
		return c - '0'
	case c|0x20 >= 'a' && c|0x20 <= 'f':
		return c | 0x20 - 'a' + 10
	}
	return 16
}
