package privacy

import "strings"

// card is where the card number at s[start], behind before, ends, 0 where there is none: 13 to 19 digits that pass Luhn's test (ISO/IEC 7812-1), begin as an
// issuer's do, of a length that the issuer has, in one or in the groups that cards print. A number in ten of that length and beginning
// passes by chance; most order numbers and times begin otherwise.
func card(s, before string, start int) (end int) {
	if kinds[s[start]]&digit == 0 || s[start] < '3' || s[start] > '6' {
		if s[start] != '2' { // 2221–2720
			return 0
		}
	}
	if n := len(before); n > 1 && strings.IndexByte("-_.", before[n-1]) >= 0 && kinds[before[n-2]]&wordy != 0 {
		return 0 // a later part of something longer
	}
	var digits [19]byte
	var groups [6]int
	n, group := 0, 0
	separator := byte(0)
	end = start
	for end < len(s) {
		c := s[end]
		if kinds[c]&digit != 0 {
			if n == len(digits) {
				return 0
			}
			digits[n] = c - '0'
			n++
			groups[group]++
			end++
			continue
		}
		if (c != ' ' && c != '-') || separator != 0 && c != separator || end+1 >= len(s) || kinds[s[end+1]]&digit == 0 || group+1 == len(groups) ||
			n >= 13 && !moreGroups(groups[:group+1]) {
			break
		}
		separator = c
		group++
		end++
	}
	if n < 13 || follows(s, end) || !printed(groups[:group+1]) || !issued(digits[:n]) || !luhn(digits[:n]) {
		return 0
	}
	return end
}

// moreGroups tells whether a group may follow these: 19 digits are written 4-4-4-4-3.
func moreGroups(groups []int) bool { return len(groups) == 4 && groups[3] == 4 }

// printed tells whether digits stand in one or in groups as on cards.
func printed(groups []int) bool {
	switch len(groups) {
	case 1:
		return true
	case 3:
		return groups[0] == 4 && groups[1] == 6 && (groups[2] == 4 || groups[2] == 5)
	case 4, 5:
		return groups[0] == 4 && groups[1] == 4 && groups[2] == 4 && groups[3] <= 4 && (len(groups) == 4 || groups[4] == 3)
	}
	return false
}

// issued tells whether digits begin and are as long as an issuer's are.
func issued(digits []byte) bool {
	front := 0
	for _, d := range digits[:4] {
		front = 10*front + int(d)
	}
	n := len(digits)
	switch two := front / 100; {
	case two == 34 || two == 37:
		return n == 15
	case two == 36 || two == 38 || two == 39 || front/10 >= 300 && front/10 <= 305:
		return n == 14
	case front/1000 == 4:
		return n == 13 || n == 16 || n == 19
	case two >= 51 && two <= 55 || front >= 2221 && front <= 2720:
		return n == 16
	case two == 35 || front == 6011 || two == 60 || two == 62 || two == 64 || two == 65:
		return n == 16 || n == 19
	case two == 50 || two >= 56 && two <= 69:
		return n == 16
	}
	return false
}

func luhn(digits []byte) bool {
	sum := 0
	for i, d := range digits {
		if (len(digits)-i)%2 == 0 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += int(d)
	}
	return sum%10 == 0
}

// follows tells whether what ends at s[end] goes on: into a word, or behind a hyphen or a dot.
func follows(s string, end int) bool {
	if end >= len(s) {
		return false
	}
	if kinds[s[end]]&wordy != 0 {
		return true
	}
	return strings.IndexByte("-_.", s[end]) >= 0 && end+1 < len(s) && kinds[s[end+1]]&(digit|lower|upper) != 0
}

// phone is where the phone number at s[start], behind before, ends, 0 where there is none: a + and 8 to 15 digits (ITU-T E.164) with what is written between
// them, the same after tel: without the +, or ten digits in the groups of North America, of which neither of the first two begins with 0 or 1.
func phone(s, before string, start int) (end int) {
	if s[start] == '+' || strings.HasSuffix(before, "tel:") {
		return international(s, start)
	}
	if n := len(before); n > 0 && strings.IndexByte("-_.+", before[n-1]) >= 0 {
		return 0
	}
	end = start
	if s[end] == '1' && end+1 < len(s) && strings.IndexByte(" -.", s[end+1]) >= 0 {
		end += 2
	}
	var separator byte
	if end < len(s) && s[end] == '(' {
		if end = groupOf(s, end+1, 3, true); end == 0 || end >= len(s) || s[end] != ')' {
			return 0
		}
		if end++; end < len(s) && s[end] == ' ' {
			end++
		}
	} else {
		if end = groupOf(s, end, 3, true); end == 0 || end >= len(s) || strings.IndexByte(" -.", s[end]) < 0 {
			return 0
		}
		separator = s[end]
		end++
	}
	if end = groupOf(s, end, 3, true); end == 0 || end >= len(s) || strings.IndexByte(" -.", s[end]) < 0 || separator != 0 && s[end] != separator {
		return 0
	}
	if end = groupOf(s, end+1, 4, false); end == 0 || follows(s, end) {
		return 0
	}
	return end
}

// groupOf is the index after n digits; 0 where they are not there. of is true where the first must be 2 to 9.
func groupOf(s string, at, n int, of bool) int {
	if at+n > len(s) || of && (s[at] < '2' || s[at] > '9') {
		return 0
	}
	for _, c := range []byte(s[at : at+n]) {
		if kinds[c]&digit == 0 {
			return 0
		}
	}
	return at + n
}

func international(s string, start int) (end int) {
	at := start
	if s[at] == '+' {
		at++
	}
	n, gap := 0, 0
	for ; at < len(s) && n <= 15; at++ {
		c := s[at]
		if kinds[c]&digit != 0 {
			if n == 0 && s[start] == '+' && c == '0' {
				return 0
			}
			n++
			gap = 0
			end = at + 1
			continue
		}
		if gap++; strings.IndexByte(" -.()/", c) < 0 || gap > 3 {
			break
		}
	}
	if n < 8 || n > 15 || follows(s, end) {
		return 0
	}
	return end
}
