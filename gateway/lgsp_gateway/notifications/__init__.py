"""What people are told of without asking, by mail and by webhook: what waits for them, what ends soon, what fails."""
