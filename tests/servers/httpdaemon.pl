#!/usr/bin/perl
# httpdaemon.pl HOST:PORT ROOT: serves the files of ROOT, one connection after the other.
use strict;
use warnings;
use HTTP::Daemon;
use HTTP::Response;

my ($address, $root) = @ARGV;
my ($host, $port) = split /:/, $address;
my $daemon = HTTP::Daemon->new(LocalAddr => $host, LocalPort => $port, ReuseAddr => 1, Listen => 64)
    or die "httpdaemon.pl: $address: $!\n";

sub answer {
    my ($path) = @_;
    open my $file, "<", $root . $path or return HTTP::Response->new(403);
    local $/;
    return HTTP::Response->new(200, "OK", ["Content-Type" => "text/plain"], <$file>);
}

while (my $connection = $daemon->accept) {
    if (my $request = $connection->get_request) {
        $connection->force_last_request;
        $connection->send_response(answer($request->uri->path));
    }
    $connection->close;
}
