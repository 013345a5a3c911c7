package enrich

import (
	"bytes"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/waymark-events/waymark/pkg/event"
)

// redact takes user names and passwords off the URLs within props and detail.
func redact(out *event.Enriched) {
	var taken bool
	out.Props, taken = withoutCredentialsIn(out.Props)
	flagIf(taken, event.WarnRedacted, "$.props", out)
	out.Detail, taken = withoutCredentialsIn(out.Detail)
	flagIf(taken, event.WarnRedacted, "$.data", out)
}

// withoutCredentialsIn takes user names and passwords off the strings of a JSON value that are called a URL (see isURLName) and are one:
// all else stands as it was sent.
func withoutCredentialsIn(value []byte) (clean []byte, taken bool) {
	if bytes.IndexByte(value, '@') < 0 && !bytes.Contains(value, []byte("%40")) && !bytes.Contains(value, []byte("2540")) && !bytes.Contains(value, []byte("0040")) {
		return value, false // no @, in no escape: %40, %2540, \u0040
	}
	dec := jsontext.NewDecoder(bytes.NewBuffer(value), jsontext.AllowDuplicateNames(true)) // the event's decoder has looked for repeated names
	isURL := false                                                                         // what is read has such a name, or is in a list of one
	done := 0
	for kind := dec.PeekKind(); kind != 0; kind = dec.PeekKind() {
		if kind != '"' {
			_, _ = dec.ReadToken()
			continue
		}
		quoted, _ := dec.ReadValue()
		text, err := jsontext.AppendUnquote(nil, quoted)
		if in, n := dec.StackIndex(dec.StackDepth()); in == '{' && n%2 == 1 {
			isURL = isURLName(string(text))
			continue
		}
		if err != nil || !isURL || !bytes.ContainsAny(text, "/\\%") {
			continue
		}
		if url, credentials := withoutCredentials(string(text)); credentials {
			end := int(dec.InputOffset())
			clean = append(clean, value[done:end-len(quoted)]...)
			clean, _ = jsontext.AppendQuote(clean, url)
			done, taken = end, true
		}
	}
	if !taken {
		return value, false
	}
	return append(clean, value[done:]...), true
}

// isURLName tells whether a member is called a URL: url, pageUrl, redirect_uri, href, link, links, referrer.
func isURLName(name string) bool {
	name = strings.TrimSuffix(strings.ToLower(name), "s")
	for _, end := range [...]string{"url", "uri", "href", "link", "referrer", "referer"} {
		if strings.HasSuffix(name, end) {
			return true
		}
	}
	return false
}
