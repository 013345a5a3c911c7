package useragent

import (
	"regexp"
	"strings"
)

// androidModel is what stands where Android's browsers put the model: after the version, a language and the like, before
// the build. "" for what cannot be one.
func androidModel(ua string) string {
	_, comment, ok := strings.Cut(ua, "Android ")
	if !ok {
		return ""
	}
	comment, _, _ = strings.Cut(comment, ") ") // a model may hold (50)
	_, comment, _ = strings.Cut(comment, ";")  // the version
	for part := range strings.SplitSeq(comment, ";") {
		part, _, _ = strings.Cut(strings.Trim(part, " )"), " Build")
		switch {
		case part == "" || part == "U" || language.MatchString(part):
			continue
		case strings.Contains(part, "compatible") || strings.ContainsAny(part, "/@") || len(part) < 2:
			return ""
		}
		return strings.Clone(part)
	}
	return ""
}

var language = regexp.MustCompile(`^[a-z]{2}(?:[-_][A-Za-z]{2})?$`)

// withoutModel replaces the model by a word that says nothing, and the code name that apps put beside it: "M bot 60; M_bot_60".
func withoutModel(ua, model string) string {
	return withoutWord(withoutWord(ua, model), strings.ReplaceAll(model, " ", "_"))
}

// withoutWord leaves alone what only begins or ends as the word does: a phone called Go does not take it from Googlebot.
func withoutWord(text, word string) string {
	var out strings.Builder
	for {
		start := strings.Index(text, word)
		if start < 0 {
			out.WriteString(text)
			return out.String()
		}
		end := start + len(word)
		if start > 0 && isWord(text[start-1]) || end < len(text) && isWord(text[end]) {
			out.WriteString(text[:end])
		} else {
			out.WriteString(text[:start] + "Android")
		}
		text = text[end:]
	}
}

// modelOnly cuts off what some rules of uap-core take for a part of the model: the build, "; wv".
func modelOnly(model string) string {
	model, _, _ = strings.Cut(model, ";")
	if build := strings.Index(model, "Build"); build >= 0 && (build == 0 || model[build-1] == ' ' || strings.HasPrefix(model[build:], "Build/")) {
		model = model[:build]
	}
	model, _, _ = strings.Cut(model, ") AppleWebKit")
	return strings.TrimSpace(model)
}
