package privacy

import (
	"slices"
	"strings"
)

// ScrubURL takes out of a URL's query, its fragment and its path the parameters that are neither utm_* nor in keep, of which "*" is all, and
// scrubs what is left. A fragment is read as pages use them: as a route, with parameters behind its own question mark, or as parameters. It
// allocates only for what it changes.
func ScrubURL(url string, keep []string) (clean string, taken bool) {
	b := builder{text: url}
	end := len(url)
	if at := strings.IndexByte(url, '#'); at >= 0 {
		end = at
	}
	path := end
	if at := strings.IndexByte(url[:end], '?'); at >= 0 {
		path = at
	}
	b.path(0, path, keep)
	if path < end {
		b.parameters(path, end, keep)
	}
	if end < len(url) {
		b.fragment(end, keep)
	}
	return b.end()
}

// A builder makes a text of another's parts, and copies nothing before one is left out or changed.
type builder struct {
	text  string
	out   []byte
	done  int // text up to here is in out
	taken bool
}

// replace puts text in the place of [from, to).
func (b *builder) replace(from, to int, text string) {
	b.out = append(append(b.out, b.text[b.done:from]...), text...)
	b.done, b.taken = to, true
}

// scrub scrubs [from, to).
func (b *builder) scrub(from, to int) {
	if clean, taken := Scrub(b.text[from:to]); taken {
		b.replace(from, to, clean)
	}
}

func (b *builder) end() (string, bool) {
	if !b.taken {
		return b.text, false
	}
	return string(append(b.out, b.text[b.done:]...)), true
}

// path scrubs [from, to), without parameters of its segments (RFC 3986 §3.3: /cart;jsessionid=1).
func (b *builder) path(from, to int, keep []string) {
	for from < to {
		at := strings.IndexByte(b.text[from:to], ';')
		if at < 0 {
			break
		}
		at += from
		end := to
		if n := strings.IndexAny(b.text[at+1:to], ";/"); n >= 0 {
			end = at + 1 + n
		}
		b.scrub(from, at)
		name, _, is := strings.Cut(b.text[at+1:end], "=")
		switch {
		case is && !kept(name, keep):
			b.replace(at, end, "")
		default:
			b.scrub(at, end)
		}
		from = end
	}
	b.scrub(from, to)
}

// parameters leaves of [from, to), which begins with a question mark or a number sign, the parameters that are kept.
func (b *builder) parameters(from, to int, keep []string) {
	first := true
	for at := from + 1; at <= to; {
		end := to
		if n := strings.IndexAny(b.text[at:to], "&;"); n >= 0 {
			end = at + n
		}
		name, _, _ := strings.Cut(b.text[at:end], "=")
		switch {
		case name == "" && end == at: // nothing between two separators
			if end > from+1 || to > from+1 {
				b.replace(at-1, end, "")
			}
		case !kept(name, keep):
			b.replace(at-1, end, "")
		case first && at-1 > from: // those before it are gone
			b.replace(at-1, at, b.text[from:from+1])
			b.scrub(at, end)
			first = false
		default:
			b.scrub(at, end)
			first = false
		}
		at = end + 1
	}
}

func (b *builder) fragment(from int, keep []string) {
	to := len(b.text)
	text := b.text[from:]
	switch at := strings.IndexByte(text, '?'); {
	case at >= 0 && strings.IndexByte(text[:at], '=') < 0:
		b.scrub(from, from+at)
		b.parameters(from+at, to, keep)
	case strings.IndexByte(text, '=') >= 0 || strings.Contains(text, "%3D") || strings.Contains(text, "%3d"):
		b.parameters(from, to, keep)
	default:
		b.scrub(from, to)
	}
}

// kept tells whether a parameter of this name is.
func kept(name string, keep []string) bool {
	if strings.HasPrefix(name, "utm_") {
		return true
	}
	if len(keep) == 0 {
		return false
	}
	if strings.IndexByte(name, '%') >= 0 {
		var p plain
		p.read(name)
		name = string(p.bytes)
	}
	return slices.Contains(keep, name) || slices.Contains(keep, "*")
}
