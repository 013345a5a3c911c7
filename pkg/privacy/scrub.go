package privacy

import "strings"

// What stands in a text for what was taken out.
const (
	maskEmail = "[email]"
	maskPhone = "[phone]"
	maskCard  = "[card]"
	maskToken = "[token]"
)

// Scrub masks e-mail addresses, phone and card numbers, and tokens within a text, however they are spelled: percent-encoded, as HTML entities,
// or in full-width letters. It takes time linear in the text's length, allocates only for what it changes, and finds nothing more in what it
// returned. What stays though it looks alike: order numbers, ISBNs, dates, times, UUIDs, version numbers, phone numbers without a + that
// are not grouped as North America writes them.
func Scrub(text string) (clean string, taken bool) {
	if quiet(text) {
		return text, false
	}
	if spelledOddly(text) {
		return scrubSpelled(text)
	}
	f := finder{text: text}
	var out []byte
	done := 0
	for f.next() {
		out = append(append(out, text[done:f.start]...), f.mask...)
		done = f.end
	}
	if done == 0 {
		return text, false
	}
	return string(append(out, text[done:]...)), true
}

// quiet tells at a glance whether there can be nothing to find: no @, no other spelling, no run as long as a token, and too few digits for a number.
func quiet(text string) bool {
	run, digits := 0, 0
	for i := range len(text) {
		kind := kinds[text[i]]
		switch {
		case kind&inRun != 0:
			if run++; run >= leastRun {
				return false
			}
			if kind&digit != 0 {
				digits++
			}
		case kind&noisy != 0:
			return false
		default:
			run = 0
		}
	}
	return digits < 8
}

// scrubSpelled looks in the plain text, and masks what it stands for.
func scrubSpelled(text string) (clean string, taken bool) {
	p := plains.Get().(*plain)
	defer plains.Put(p)
	p.read(text)
	f := finder{text: p.text()}
	var out []byte
	done := 0
	for f.next() {
		out = append(append(out, text[done:p.at[f.start]]...), f.mask...)
		done = p.at[f.end]
	}
	if done == 0 {
		return text, false
	}
	return string(append(out, text[done:]...)), true
}

// A finder finds what must go, from the front.
type finder struct {
	text string
	at   int // read up to here
	run  int // end of the last run of letters, digits, - and _ that was looked at

	start, end int
	mask       string
}

// next finds one more; false at the text's end.
func (f *finder) next() bool {
	s := f.text
	for f.at < len(s) {
		i := f.at
		c := s[i]
		kind := kinds[c]
		switch {
		case c == '@':
			if start, end := email(s, i, f.end); end > 0 {
				return f.found(start, end, maskEmail)
			}
		case kind&inRun != 0 && i >= f.run:
			f.run = runEnd(s, i)
			if end := token(s, i, f.run); end > 0 && (end >= len(s) || s[end] != '@') { // of an address it is the front
				return f.found(i, end, maskToken)
			}
		}
		if kind&startsNumber != 0 && (i == f.end || kinds[s[i-1]]&(digit|lower|upper) == 0) {
			before := s[f.end:i] // a mask has no part in what follows
			if end := card(s, before, i); end > 0 {
				return f.found(i, end, maskCard)
			}
			if end := phone(s, before, i); end > 0 {
				return f.found(i, end, maskPhone)
			}
		}
		f.at++
	}
	return false
}

func (f *finder) found(start, end int, mask string) bool {
	f.start, f.end, f.mask = max(start, f.end), end, mask
	f.at, f.run = end, end
	return true
}

// Kinds of bytes.
const (
	digit        = 1 << iota
	lower        // a–z
	upper        // A–Z
	inRun        // letters, digits, -, _
	wordy        // letters and digits, and what is beyond ASCII
	local        // of an address, before its @
	domain       // and after it
	startsNumber // digits, + and (
	noisy        // @, and what other spellings begin with: %, & and the first byte of full-width letters
)

var kinds = func() (out [256]uint16) {
	for c := range out {
		switch {
		case c >= '0' && c <= '9':
			out[c] = digit | inRun | wordy | local | domain | startsNumber
		case c >= 'a' && c <= 'z':
			out[c] = lower | inRun | wordy | local | domain
		case c >= 'A' && c <= 'Z':
			out[c] = upper | inRun | wordy | local | domain
		case c >= 0x80:
			out[c] = wordy | local | domain
		}
	}
	for c, kind := range map[byte]uint16{
		'-': inRun | local | domain, '_': inRun | local, '.': local | domain, '+': local | startsNumber, '(': startsNumber, '@': noisy, '%': noisy, '&': noisy, 0xef: noisy | wordy | local | domain,
		'!': local, '#': local, '$': local, '*': local, '\'': local, '^': local, '{': local, '}': local, '|': local, '~': local, '`': local,
	} {
		out[c] = kind
	}
	return out
}()

// email is where the address with an @ at s[at] begins and ends; end 0 is none. done is where the last find ended. An address that is cut off
// at the text's end counts.
func email(s string, at, done int) (start, end int) {
	start = at
	for start > done && kinds[s[start-1]]&local != 0 {
		start--
	}
	for start < at && strings.IndexByte("!#$*'^{}|~`.", s[start]) >= 0 { // marks around an address are no part of it
		start++
	}
	if start == at {
		return 0, 0
	}
	end = at + 1
	for end < len(s) && kinds[s[end]]&domain != 0 {
		end++
	}
	for end > at+1 && (s[end-1] == '.' || s[end-1] == '-') {
		end--
	}
	host := s[at+1 : end]
	dot := strings.LastIndexByte(host, '.')
	switch {
	case host == "" || host[0] == '.' || host[0] == '-':
		return 0, 0
	case dot > 0 && len(host)-dot > 2 && kinds[host[dot+1]]&digit == 0:
		return start, end
	case end == len(s) && kinds[host[0]]&(lower|upper) != 0 && strings.ContainsFunc(s[start:at], isPlain): // cut off
		return start, end
	}
	return 0, 0
}

// isPlain tells whether c is an ASCII letter or digit. In scripts that are written without spaces, words stand right before an @.
func isPlain(c rune) bool { return c < 0x80 && kinds[c]&(digit|lower|upper) != 0 }

func runEnd(s string, from int) int {
	for from < len(s) && kinds[s[from]]&inRun != 0 {
		from++
	}
	return from
}
