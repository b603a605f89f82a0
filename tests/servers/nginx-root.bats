# nginx with workers as root and --inline: an event loop that ends each request in the callback that read it.
load ../lib/world
load ../lib/rights
load nginx

setup_file() {
    export ADDRESS=127.0.0.1:8000
    serve_nginx root "$ADDRESS" --inline
}

setup() {
    need_nginx
}

@test "nginx, workers as root, --inline: a client gets its own 0600 file" {
    own_file "$ADDRESS"
}

@test "nginx, workers as root, --inline: nobody gets another's 0600 file" {
    others_file "$ADDRESS"
}

@test "nginx, workers as root, --inline: a 0640 file is for the members of its group" {
    group_file "$ADDRESS"
}

@test "nginx, workers as root, --inline: everybody gets a public file" {
    public_file "$ADDRESS"
}

@test "nginx, workers as root, --inline: 1,000 requests of four users, 16 at once: none wrong, then right again" {
    many_requests "$ADDRESS"
}

@test "nginx, workers as root, --inline: users alternate on 16 kept-alive connections: none wrong" {
    many_requests "$ADDRESS" --keep-alive --requests 4000
}
