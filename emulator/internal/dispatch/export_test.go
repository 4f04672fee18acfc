package dispatch

// Resolve is the function that reads URL templates.
var Resolve = resolve
