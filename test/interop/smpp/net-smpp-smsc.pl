# An SMSC on Net::SMPP: grants every bind; each submit is followed by a proof of receipt before, and a receipt after its
# response. Prints its port, then one fact per line.
use strict;
use warnings;
use Net::SMPP;

$| = 1;
my $listener = Net::SMPP->new_listen('127.0.0.1', port => 0, smpp_version => 0x34) or die "cannot listen";
printf "port %d\n", $listener->sockport;

my $number = 0xA0;
while (my $esme = $listener->accept) {
    while (my $pdu = $esme->read_pdu()) {
        my $cmd = $pdu->{cmd};
        if ($cmd == 0x09) {
            printf "bind %s %s %x\n", $pdu->{system_id}, $pdu->{password}, $pdu->{interface_version};
            $esme->bind_transceiver_resp(seq => $pdu->{seq}, status => 0, system_id => 'NETSMPP');
        } elsif ($cmd == 0x04) {
            printf "submit %d %d %d %s %s\n", $pdu->{esm_class}, $pdu->{protocol_id}, $pdu->{data_coding},
                $pdu->{destination_addr}, unpack('H*', $pdu->{short_message});
            $number++;
            $esme->deliver_sm(async => 1,
                source_addr_ton => 1, source_addr_npi => 1, source_addr => $pdu->{destination_addr},
                dest_addr_ton => 0, dest_addr_npi => 1, destination_addr => $pdu->{source_addr},
                esm_class => 0x41, protocol_id => 0x7f, data_coding => 2,
                short_message => pack('H*', '027100000b0aff80000102030405'));
            $esme->submit_sm_resp(seq => $pdu->{seq}, status => 0, message_id => sprintf('%X', $number));
            $esme->deliver_sm(async => 1,
                source_addr_ton => 1, source_addr_npi => 1, source_addr => $pdu->{destination_addr},
                dest_addr_ton => 0, dest_addr_npi => 1, destination_addr => $pdu->{source_addr},
                esm_class => 0x04, protocol_id => 0, data_coding => 0,
                short_message => "id:$number sub:001 dlvrd:001 submit date:2601020304 done date:2601020305 stat:DELIVRD err:000 text:");
        } elsif ($cmd == 0x15) {
            $esme->enquire_link_resp(seq => $pdu->{seq});
        } elsif ($cmd == 0x06) {
            $esme->unbind_resp(seq => $pdu->{seq});
            print "unbind\n";
        } elsif ($cmd == 0x80000005) {
            printf "taken %d\n", $pdu->{status};
        }
    }
    $esme->close;
}
