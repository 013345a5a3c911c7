package segment

import (
	"bytes"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/pkg/lenient"
)

// userAgentData reads navigator.userAgentData (https://wicg.github.io/ua-client-hints/#interface) as the headers that the browser would have sent.
func (r *reader) userAgentData() error {
	h := &r.sent.Client.Hints
	return r.Part("$.context.userAgentData", func(name string) error {
		switch name {
		case "brands":
			return r.brands("$.context.userAgentData.brands", &h.UA)
		case "fullVersionList":
			return r.brands("$.context.userAgentData.fullVersionList", &h.FullVersionList)
		case "uaFullVersion":
			return r.hint("$.context.userAgentData.uaFullVersion", &h.FullVersion)
		case "model":
			return r.hint("$.context.userAgentData.model", &h.Model)
		case "platform":
			return r.hint("$.context.userAgentData.platform", &h.Platform)
		case "platformVersion":
			return r.hint("$.context.userAgentData.platformVersion", &h.PlatformVersion)
		case "mobile":
			mobile := false
			err := r.Boolean("$.context.userAgentData.mobile", &mobile)
			h.Mobile = map[bool]string{false: "?0", true: "?1"}[mobile]
			return err
		}
		return r.Skip()
	})
}

// hint reads a text as a string of Structured Fields (RFC 9651 §3.3.3).
func (r *reader) hint(path string, out *string) error {
	var text string
	if err := r.String(path, lenient.MaxWord, &text); err != nil || text == "" {
		return err
	}
	*out = quoted(text)
	return nil
}

// maxBrands bounds a list of brands: browsers send three or four.
const maxBrands = 8

// brands reads a list of {brand, version} as the header has it: "Chromium";v="140", "Google Chrome";v="140".
func (r *reader) brands(path string, out *string) error {
	v, ok, err := r.Scalar(path)
	switch {
	case err != nil || !ok:
		return err
	case v.Kind() != '[':
		r.Warn(event.WarnDropped, path)
		return nil
	}
	var list []string
	dec := jsontext.NewDecoder(bytes.NewBuffer(v), jsontext.AllowDuplicateNames(true)) // it was read before
	_, _ = dec.ReadToken()
	for kind := dec.PeekKind(); kind != ']' && kind != 0; kind = dec.PeekKind() {
		if kind != '{' || len(list) == maxBrands {
			_ = dec.SkipValue()
			continue
		}
		if name, version := brand(dec); name != "" {
			list = append(list, quoted(event.Cut(name, lenient.MaxWord))+";v="+quoted(event.Cut(version, lenient.MaxWord)))
		}
	}
	*out = strings.Join(list, ", ")
	return nil
}

// brand reads one {brand, version}.
func brand(dec *jsontext.Decoder) (name, version string) {
	_, _ = dec.ReadToken()
	for dec.PeekKind() == '"' {
		member, _ := dec.ReadToken()
		which := member.String()
		if dec.PeekKind() != '"' {
			_ = dec.SkipValue()
			continue
		}
		text, _ := dec.ReadToken()
		switch which {
		case "brand":
			name = text.String()
		case "version":
			version = text.String()
		}
	}
	_, _ = dec.ReadToken()
	return name, version
}

// quoted is a string of Structured Fields, of what such a one may hold: printable ASCII.
func quoted(text string) string {
	var out strings.Builder
	out.WriteByte('"')
	for _, c := range []byte(text) {
		switch {
		case c == '"' || c == '\\':
			out.WriteByte('\\')
			out.WriteByte(c)
		case c >= ' ' && c <= '~':
			out.WriteByte(c)
		}
	}
	out.WriteByte('"')
	return out.String()
}
