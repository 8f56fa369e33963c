package serve

// MostWaiting is how many connections may wait.
const MostWaiting = mostWaiting
