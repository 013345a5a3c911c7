package account_test

import (
	"fmt"

	"github.com/waymark-events/waymark/pkg/account"
)

func ExampleDirectory_ByKey() {
	directory, err := account.NewDirectory([]account.Account{{ID: "acme", Region: "eu", WriteKeys: []string{"wk_acme_0123456789"}}})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(directory.ByKey("wk_acme_0123456789").ID, directory.ByKey("another") == nil)
	// Output: acme true
}
