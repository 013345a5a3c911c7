package retry

// InHalves calls do for the things from 0 to below n. Where it fails with an error that fewer at once may not meet, do is called for either
// half, in order, then for halves of halves; the error of one alone stands. The first error that is none of those ends it.
func InHalves(n int, fewer func(error) bool, do func(from, to int) error) error {
	return inHalves(0, n, fewer, do)
}

func inHalves(from, to int, fewer func(error) bool, do func(from, to int) error) error {
	err := do(from, to)
	if err == nil || to-from < 2 || !fewer(err) {
		return err
	}
	middle := from + (to-from)/2
	if err := inHalves(from, middle, fewer, do); err != nil {
		return err
	}
	return inHalves(middle, to, fewer, do)
}
