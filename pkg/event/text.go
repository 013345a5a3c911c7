package event

// MaxURL bounds a URL that is stored, in characters.
const MaxURL = 8192

// Cut is text, or its first limit characters.
func Cut(text string, limit int) string {
	if len(text) <= limit {
		return text // bytes are never fewer than characters
	}
	for at := range text {
		if limit == 0 {
			return text[:at]
		}
		limit--
	}
	return text
}
