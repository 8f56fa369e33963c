package lang

// LoadFrom reads catalogues from elsewhere.
var LoadFrom = load

// Files are the catalogues of the program.
var Files = files
