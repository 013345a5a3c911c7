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

// frozen says "or later" of versions at which user agents stand still.
func frozen(name, version, ua string) string {
	switch {
	case name == "Windows" && version == "10" && !beforeWindows11(ua):
		return "10 or later"
	case name == "Mac OS X" && (version == "10.15.7" || version == "10.15"):
		return "10.15 or later"
	case name == "Android" && version == "10" && strings.Contains(ua, reducedAndroid):
		return "10 or later"
	}
	return version
}

// reducedAndroid is what Chromium says since 110 of every Android (https://www.chromium.org/updates/ua-reduction/).
const reducedAndroid = "Android 10; K)"

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
