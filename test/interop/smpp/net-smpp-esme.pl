# An ESME on Net::SMPP: binds, submits the given user data, answers deliveries, unbinds. One fact per line on stdout.
use strict;
use warnings;
use Net::SMPP;

my ($port, $deliveries, @packets) = @ARGV;
$| = 1;

my ($esme, $bound) = Net::SMPP->new_transceiver('127.0.0.1',
    port => $port, system_id => 'esme', password => 'secret', smpp_version => 0x34)
    or die "no connection";
printf "bound %d %s\n", $bound->{status}, $bound->{system_id};

for my $packet (@packets) {
    my $resp = $esme->submit_sm(
        source_addr_ton => 0, source_addr_npi => 1, source_addr => '12345',
        dest_addr_ton => 1, dest_addr_npi => 1, destination_addr => '491701234567',
        esm_class => 0x40, protocol_id => 0x7f, data_coding => 0xf6, registered_delivery => 1,
        validity_period => '000000010000000R',
        short_message => pack('H*', $packet));
    printf "submitted %d %s\n", $resp->{status}, $resp->{message_id};
}

while ($deliveries > 0) {
    my $pdu = $esme->read_pdu() or die "lost";
    if ($pdu->{cmd} == 0x15) { $esme->enquire_link_resp(seq => $pdu->{seq}); next; }
    next unless $pdu->{cmd} == 0x05;
    printf "delivered %d %d %s %s\n", $pdu->{esm_class}, $pdu->{data_coding}, $pdu->{source_addr}, unpack('H*', $pdu->{short_message});
    $esme->deliver_sm_resp(seq => $pdu->{seq}, message_id => '');
    $deliveries--;
}

printf "enquired %d\n", $esme->enquire_link()->{status};
printf "unbound %d\n", $esme->unbind()->{status};
