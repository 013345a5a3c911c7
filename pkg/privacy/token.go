package privacy

import "strings"

// keyFronts are how keys of well-known services begin.
var keyFronts = [...]string{
	"sk_live_", "sk_test_", "pk_live_", "pk_test_", "rk_live_", "whsec_", "sk-", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "xoxb-", "xoxp-", "xoxa-",
	"AKIA", "ASIA", "AIza", "ya29", "SG", "npm_", "hf_", "dop_v1_", "shpat_", "phc_", "phx_",
}

// leastRun is how long a run is looked at at all.
const leastRun = 16

// leastToken is how many letters and digits of several kinds a token has at least; less is somebody's short id.
const leastToken = 24

// token tells whether the run s[start:end] of letters, digits, - and _ is a secret, and where that ends, 0 where it is none: a JSON Web Token
// (RFC 7519; it goes on behind its dots), a key that begins as well-known ones do, 32 or more hexadecimal digits, or so many changes between
// letters, capitals and digits as no word has. UUIDs in it do not count.
func token(s string, start, end int) int {
	run := s[start:end]
	if len(run) < leastRun || len(run) == 36 && isUUID(run, 0) { // the most common run of that length
		return 0
	}
	if strings.HasPrefix(run, "eyJ") {
		return tokenWeb(s, end)
	}
	for _, front := range keyFronts {
		if len(run) >= len(front)+16 && strings.HasPrefix(run, front) && varied(run[len(front):]) {
			return end
		}
	}
	if len(run) >= leastToken && (hexadecimal(run) || mixed(run)) {
		return end
	}
	return 0
}

// tokenWeb is the end of a JSON Web Token whose header ends at s[end].
func tokenWeb(s string, end int) int {
	for range 4 { // JWE has five parts
		if end+1 >= len(s) || s[end] != '.' || kinds[s[end+1]]&inRun == 0 {
			break
		}
		end = runEnd(s, end+1)
	}
	return end
}

// varied tells whether a key's rest has a digit: words do not.
func varied(rest string) bool { return strings.ContainsAny(rest, "0123456789") }

// hexadecimal tells whether a run has 32 hexadecimal digits in a row or more, letters and digits, outside of UUIDs.
func hexadecimal(run string) bool {
	n, letters, digits := 0, false, false
	for i := 0; i < len(run); i++ {
		if isUUID(run, i) {
			i += 35
			n, letters, digits = 0, false, false
			continue
		}
		c := run[i]
		switch {
		case kinds[c]&digit != 0:
			digits = true
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			letters = true
		default:
			n, letters, digits = 0, false, false
			continue
		}
		if n++; n >= 32 && letters && digits {
			return true
		}
	}
	return false
}

// mixed tells whether letters, capitals and digits alternate as chance has it, outside of UUIDs.
func mixed(run string) bool {
	var n, uppers, lowers, islands, changes int
	before := uint16(0)
	for i := 0; i < len(run); i++ {
		if isUUID(run, i) {
			i += 35
			before = 0
			continue
		}
		kind := kinds[run[i]] & (digit | lower | upper)
		if kind == 0 {
			before = 0
			continue
		}
		n++
		switch kind {
		case upper:
			uppers++
		case lower:
			lowers++
		}
		if kind == digit && before != digit {
			islands++
		}
		if before != 0 && before != kind {
			changes++
		}
		before = kind
	}
	if n < leastToken {
		return false
	}
	if uppers >= 2 && lowers >= 2 {
		return islands >= 2 && changes >= n/3
	}
	return n >= 28 && islands >= 4 && changes >= n/4
}

// isUUID tells whether a UUID (RFC 9562 §4) begins at s[at], and nothing hexadecimal goes on behind it.
func isUUID(s string, at int) bool {
	const length = 36
	if len(s)-at < length || s[at+8] != '-' || s[at+13] != '-' || at > 0 && isHex(s[at-1]) || len(s)-at > length && isHex(s[at+length]) {
		return false
	}
	for i := range length {
		c := s[at+i]
		if i == 8 || i == 13 || i == 18 || i == 23 {
			if c != '-' {
				return false
			}
		} else if !isHex(c) {
			return false
		}
	}
	return true
}

func isHex(c byte) bool { return kinds[c]&digit != 0 || c|0x20 >= 'a' && c|0x20 <= 'f' }
