// Package recorderjs has the recorder, the script that web pages send events with. Its sources are the TypeScript beside it; what is built of
// them is in the tree, so that Go needs no npm. make recorder builds it, and says how large it is.
package recorderjs

import _ "embed"

// Recorder is the script of the page's tag.
//
//go:embed dist/recorder.js
var Recorder []byte

// Tours is a second script, for pages with tours of Shepherd.js, driver.js or intro.js.
//
//go:embed dist/tours.js
var Tours []byte
