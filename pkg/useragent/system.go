package useragent

import (
	"strconv"
	"strings"

	"github.com/ua-parser/uap-go/uaparser"
)

// nameSystem believes the platform hint before the user agent, which is frozen where hints are sent.
func nameSystem(found uaparser.Os, ua string, h hinted) (name, version string) {
	name = known(found.Family)
	version = frozen(name, join(found.Major, found.Minor, found.Patch, found.PatchMinor), ua)
	platform := h.platform
	if known, ok := platforms[platform]; ok {
		platform = known
	}
	if platform == "" || platform == "Unknown" {
		return name, version
	}
	if name != platform {
		if platform == "Linux" && distribution(name) {
			return name, version
		}
		name, version = platform, ""
	}
	switch hint := platformVersion(platform, h.platformVersion); {
	case hint != "":
		return name, hint
	default:
		return name, version
	}
}

// platforms are uap-core's names where the hint's differ.
var platforms = map[string]string{"macOS": "Mac OS X", "Chromium OS": "Chrome OS", "Chrome OS": "Chrome OS"}

// distribution reports whether a family is a Linux that names itself: the hint says only "Linux".
func distribution(name string) bool {
	switch name {
	case "", "Windows", "Mac OS X", "iOS", "Android", "Chrome OS":
		return false
	}
	return true
}

// platformVersion reads Sec-CH-UA-Platform-Version. For Windows it is the version of an API contract: 1 to 10 are
// Windows 10, 13 and more Windows 11 (https://learn.microsoft.com/microsoft-edge/web-platform/how-to-detect-win11).
func platformVersion(platform, version string) string {
	if !digits(version) {
		return ""
	}
	if platform == "Windows" {
		n, err := strconv.Atoi(major(version))
		switch {
		case err != nil:
			return ""
		case n >= 13:
			return "11"
		case 1 <= n && n <= 10:
			return "10"
		}
		switch parts := strings.Split(version, "."); {
		case n != 0 || len(parts) < 2:
		case parts[1] == "3":
			return "8.1"
		case parts[1] == "2":
			return "8"
		case parts[1] == "1":
			return "7"
		}
		return ""
	}
	for strings.HasSuffix(version, ".0") {
		version = strings.TrimSuffix(version, ".0")
	}
	if version == "0" {
		return ""
	}
	return version
}

// frozen says "or later" of versions at which user agents stand still, unless the real one is told elsewhere.
func frozen(name, version, ua string) string {
	switch {
	case name == "Windows" && version == "10" && !beforeWindows11(ua):
		return "10 or later"
	case name == "Mac OS X" && (version == "10.15.7" || version == "10.15"):
		return "10.15 or later" // Safari's own version tells no more: each runs on three versions of macOS
	case name == "Android" && version == "10" && reducedAndroid.in(ua):
		return "10 or later"
	case name == "Chrome OS" && version == "14541.0.0":
		return "14541 or later"
	case name == "iOS" && frozenIOS.in(ua):
		return behindFrozenIOS(version, ua)
	case name == "iOS" && strings.Contains(ua, disguised):
		return behindDisguise(ua)
	}
	return version
}

// reducedAndroid is what Chromium says since 110 of every Android (https://www.chromium.org/updates/ua-reduction/), its
// web view included; and 14541.0.0 of every Chrome OS.
var reducedAndroid = words{"Android 10; K)", "Android 10; K;", "Android 10; K "}

// frozenIOS is what WebKit says since iOS 26 of every later one; 18_6_2 only for a few weeks of 2025
// (https://webkit.org/blog/17333, https://github.com/whatwg/compat/issues/283).
var frozenIOS = words{"OS 18_6 like", "OS 18_6_2 like", "OS 18_7 like"}

// behindFrozenIOS keeps the token where Safari's version says that it is true. Where a web view or another browser leaves
// that out, it is a floor, but for 18.6.2, which is nearly always true.
func behindFrozenIOS(token, ua string) string {
	if told := toldIOS(ua, 26); told != "" {
		return told
	}
	if token == "18.6.2" || strings.Contains(ua, " Version/") {
		return token
	}
	return token + " or later"
}

// behindDisguise finds nothing true in the version of a Mac.
func behindDisguise(ua string) string {
	if told := toldIOS(ua, 13); told != "" {
		return told
	}
	return "13 or later"
}

// toldIOS reads the version elsewhere than in the token. Safari's own version, from the given major one on, is iOS's. Some
// apps say in their own words what they run on: [FBAN/FBIOS;…;FBSV/26.0.1;…], Instagram 400.0 (iPhone17,1; iOS 26_0_1; …).
func toldIOS(ua string, since int) string {
	for _, word := range []string{"FBSV/", "; iOS ", "; iPadOS "} {
		if told := versionAfter(ua, word); told != "" {
			return told
		}
	}
	safari := versionAfter(ua, " Version/")
	if n, err := strconv.Atoi(major(safari)); err == nil && n >= since {
		return safari
	}
	return ""
}

// versionAfter reads the version that follows the first such word: "26.1" of "Version/26.1" or of "iOS 26_1".
func versionAfter(ua, word string) string {
	_, after, ok := strings.Cut(ua, word)
	if !ok {
		return ""
	}
	end := 0
	for end < len(after) && (isDigit(after[end]) || after[end] == '.' || after[end] == '_') {
		end++
	}
	return strings.Clone(strings.Trim(strings.ReplaceAll(after[:end], "_", "."), "."))
}

// beforeWindows11 reports whether the browser is older than Windows 11, which came in October 2021 with Chromium 94 and
// Firefox 93.
func beforeWindows11(ua string) bool {
	for _, b := range []struct {
		token string
		first int
	}{{"Chrome/", 94}, {"Firefox/", 93}, {"Trident/", 99}, {"Edge/", 99}} {
		if _, after, ok := strings.Cut(ua, b.token); ok {
			n := 0
			for i := 0; i < len(after) && i < 4 && isDigit(after[i]); i++ {
				n = n*10 + int(after[i]-'0')
			}
			return n < b.first
		}
	}
	return false
}
