using NetDriver.Analytics;
using NetDriver.Error;

namespace NetDriver.Tests
{
    /// <summary>Statistics with Unity Transport's names, and what a handshake may cost.</summary>
    [Tests]
    internal static class AnalyticsTests
    {
        public static void TrafficIsCountedWithItsHeaders()
        {
            using (Pair pair = Pair.Open(Road.Udp, Pair.Stock))
            {
                DriverStatistics before = pair.Server.GetStatistics();
                Check.Equal(0, pair.Client.Send(pair.ClientSide, new byte[1000]), "send");
                DataStreamReader reader;
                pair.Expect(pair.Server, NetworkEvent.Type.Data, pair.ServerSide, out reader);
                DriverStatistics after = pair.Server.GetStatistics();
                Check.Equal(after.DatagramsIn, after.RxTotalPackets, "packets");
                Check.Equal(after.RxExactBytes + 28 * after.RxTotalPackets, after.RxTotalBytes,
                    "bytes");
                Check.That(after.RxTotalBytes - before.RxTotalBytes >= 1038, "the message");
                PacketSizeStatistics sizes = after.RxPacketSizes;
                Check.Equal(1038u, sizes.Maximum, "largest");
                Check.Equal(1UL, sizes.LargerThan1023Bytes, "its class");
                Check.That(sizes.Minimum <= sizes.Mean && sizes.Mean <= sizes.Maximum, "mean");
                Check.That(sizes.StandardDeviation > 0, "deviation");
                Check.Equal(after.RxTotalPackets, sizes.SmallerThan128Bytes
                    + sizes.Between128And255Bytes + sizes.Between256And511Bytes
                    + sizes.Between512And1023Bytes + sizes.LargerThan1023Bytes, "classes");
                Check.That(after.RxBandwidth.Mean > 0, "bandwidth");
                Check.That(after.RxBandwidth.MaximumBurst >= after.RxBandwidth.Mean, "burst");
                Check.That(after.RxMaximumQueueUsage >= 1, "queue");
                Check.That(after.RxMaximumQueueUsage >= after.RxMeanQueueUsage, "mean of queue");
                Check.That(after.TxTotalBytes > 0 && after.TxPacketSizes.Minimum > 28, "out");
            }
        }

        public static void EveryConnectionHasItsLatency()
        {
            NetDriverParameter often = NetDriverParameter.Default;
            often.roundTripIntervalMS = 10;
            often.pingIntervalMS = 10;
            NetworkSettings settings = new NetworkSettings().WithNetDriverParameters(often);
            foreach (Road road in Pair.All)
            {
                using (Pair pair = Pair.Open(road, settings))
                {
                    pair.Until(() => Info(pair).RoundTripCount >= 3, road + ": three round trips");
                    ConnectionInfo info = Info(pair);
                    ConnectionStatistics found =
                        pair.Server.GetConnectionStatistics(pair.ServerSide);
                    Check.That(info.SmoothedRoundTripMicroseconds > 0, "smoothed");
                    Check.That(info.MinimumRoundTripMicroseconds
                        <= info.MaximumRoundTripMicroseconds, "bounds");
                    // In memory a round trip takes less than the half of a millisecond.
                    Check.That(found.Latency.Mean > 0 && found.Latency.SmoothedCurrent > 0,
                        "latency");
                    Check.That(found.Latency.Minimum <= found.Latency.Mean + 0.5f
                        && found.Latency.Mean <= found.Latency.Maximum + 0.5f
                        && found.Latency.Current <= found.Latency.Maximum, "bounds");
                    Check.Equal(0.0f, found.PacketLossPercent, "no pipeline, no loss");
                    Check.That(info.IsValidated, "it has spoken");
                }
            }
        }

        private static ConnectionInfo Info(Pair pair)
        {
            ConnectionInfo info;
            Check.Equal(0, pair.Server.GetConnectionInfo(pair.ServerSide, out info), "info");
            return info;
        }

        public static void SequencedPipelinesCountAmongWhatWasLostOrOutOfOrder()
        {
            ConnectionStatistics counted = default(ConnectionStatistics);
            counted.Reliable.PacketsReceived = 5;
            counted.Reliable.PacketsSent = 5;
            counted.Reliable.PacketsResent = 1;
            counted.Reliable.PacketsOutOfOrder = 1;
            Check.Equal(10.0f, counted.PacketLossPercent, "lost");
            Check.Equal(20.0f, counted.PacketOutOfOrderPercent, "out of order");
            counted.UnreliableSequenced.NumPacketsReceived = 5;
            counted.UnreliableSequenced.NumPacketsDroppedNeverArrived = 5;
            counted.UnreliableSequenced.NumPacketsCulledOutOfOrder = 4;
            Check.Equal(30.0f, counted.PacketLossPercent, "lost of both");
            Check.Equal(50.0f, counted.PacketOutOfOrderPercent, "out of order of both");
        }

        public static void StatisticsOfAStaleConnectionAreEmpty()
        {
            using (Pair pair = Pair.Open(Road.Ipc))
            {
                ConnectionStatistics none =
                    pair.Server.GetConnectionStatistics(default(NetworkConnection));
                Check.Equal(0.0f, none.Latency.Mean + none.PacketDuplicationPercent
                    + none.PacketOutOfOrderPercent, "nothing");
            }
        }

        public static void PathMtuDiscoveryFindsTheWholeSize()
        {
            NetworkSettings settings =
                new NetworkSettings().WithNetworkConfigParameters(performPathMtuDiscovery: true);
            using (Pair pair = Pair.Open(Road.Udp, settings))
            {
                Check.Equal(1400, pair.Server.GetMaxSupportedMessageSize(pair.ServerSide),
                    "server");
                Check.Equal(1400, pair.Client.GetMaxSupportedMessageSize(pair.ClientSide),
                    "client");
                Check.Equal(1400, Info(pair).PathMtu, "info");
            }
        }

        public static void AClientProvesItsAddressWhenItIsAsked()
        {
            NetDriverParameter strict = NetDriverParameter.Default;
            strict.cookieThreshold = 0;
            NetworkSettings settings = new NetworkSettings().WithNetDriverParameters(strict);
            using (Pair pair = Pair.Open(Road.Udp, settings))
            {
                DriverStatistics counted = pair.Server.GetStatistics();
                Check.Equal(1UL, counted.RetriesOut, "asked");
                Check.Equal(1UL, counted.CookiesAccepted, "proven");
                Check.Equal(0u, counted.ConnectionsUnvalidated, "nobody is a stranger");
                Check.Equal(0UL, counted.CookiesRefused + counted.ConnectionsUnheard
                    + counted.RequestsUnvalidated + counted.RequestsOverAddress
                    + counted.RequestsOverRate + counted.RequestsLate, "nobody was refused");
                Check.Equal(0UL, counted.SocketsRemade, "no socket failed");
            }
        }

        public static void AFullReceiveQueueIsTheReceiveErrorOfItsUpdate()
        {
            NetworkSettings settings =
                new NetworkSettings().WithNetworkConfigParameters(receiveQueueCapacity: 2);
            using (Pair pair = Pair.Open(Road.Ipc, settings))
            {
                Check.Equal(0, pair.Server.ReceiveErrorCode, "at first");
                for (int i = 0; i < 5; i++)
                    Check.Equal(0, pair.Client.Send(pair.ClientSide, new byte[4]), "send");
                pair.Client.ScheduleFlushSend().Complete();
                pair.Server.ScheduleUpdate().Complete();
                Check.Equal((int)StatusCode.NetworkReceiveQueueFull, pair.Server.ReceiveErrorCode,
                    "when it is full");
                pair.Server.ScheduleUpdate().Complete();
                Check.Equal(0, pair.Server.ReceiveErrorCode, "with the next update");
            }
        }

        public static void TheLookUpOfAHostIsOverSoonerOrLater()
        {
            using (NetworkDriver server = Pair.Listener(new UDPNetworkInterface()))
            using (NetworkDriver client = NetworkDriver.Create())
            {
                NetworkConnection connection =
                    client.Connect("localhost", server.GetLocalEndpoint().Port);
                for (int i = 0; i < 1000; i++)
                {
#pragma warning disable 618
                    if (client.CheckHostnameLookupStatus(connection))
                        return;
#pragma warning restore 618
                    client.Wait(5);
                    client.ScheduleUpdate().Complete();
                }
                Check.That(false, "the name was never looked up");
            }
        }
    }
}
