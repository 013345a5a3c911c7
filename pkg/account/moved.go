package account

import "fmt"

// moved returns an error when an account has another region than before, and does not say that it was moved. A region that was changed by a
// slip of the hand would divide the account's events between two data centres, of which one may be another jurisdiction's: that is somebody's
// decision, and what lies in the former region does not go along.
func moved(before, after *Directory) error {
	for _, a := range after.Accounts() {
		was := before.ByID(a.ID)
		if was == nil || was.Region == a.Region || a.MovedFrom == was.Region {
			continue
		}
		return fmt.Errorf("account %q: region: it was %s, and is %s now: what is stored there stays there (waymarkctl region check lists it). If that is meant, add moved_from: %[2]s",
			a.ID, was.Region, a.Region)
	}
	return nil
}
