using System.Text;
using NetDriver.Error;

namespace NetDriver.Tests
{
    [Tests]
    internal static class LivenessTests
    {
        private static NetworkSettings Settings(NetDriverParameter limits)
        {
            return new NetworkSettings().WithNetDriverParameters(limits);
        }

        public static void APingCarriesItsBytesAndItsPongIsAnEvent()
        {
            NetDriverParameter limits = NetDriverParameter.Default;
            limits.pongEvents = true;
            foreach (Road road in new[] { Road.WebSocketPlain, Road.WebSocketUtp })
            {
                // So that the UTP dialect does not ping by itself meanwhile.
                NetworkSettings settings = Settings(limits)
                    .WithNetworkConfigParameters(heartbeatTimeoutMS: 0);
                using (Pair pair = Pair.Open(road, settings))
                {
                    byte[] payload = Encoding.ASCII.GetBytes("are you there?");
                    Check.Equal(0, pair.Client.Ping(pair.ClientSide, payload), "ping");
                    DataStreamReader reader;
                    pair.Expect(
                        pair.Client, NetworkEvent.Type.Pong, pair.ClientSide, out reader);
                    byte[] answer = new byte[reader.Length];
                    reader.ReadBytes(answer);
                    Check.Bytes(payload, answer, "the pong's");
                    Check.Equal(0, pair.Server.Ping(pair.ServerSide), "an empty ping");
                    pair.Expect(
                        pair.Server, NetworkEvent.Type.Pong, pair.ServerSide, out reader);
                    Check.Equal(0, reader.Length, "nothing to read");
                    ConnectionInfo info;
                    Check.Equal(0,
                        pair.Client.GetConnectionInfo(pair.ClientSide, out info), "info");
                    Check.That(info.RoundTripMicroseconds > 0, "the round trip is measured");
                    Check.Equal(uint.MaxValue, info.LastMessageAgeMS, "a pong is no message");
                }
            }
        }

        public static void APingThatCannotBeSentIsAnError()
        {
            using (Pair pair = Pair.Open(Road.WebSocketPlain))
            {
                Check.Status(StatusCode.NetworkPacketOverflow,
                    pair.Client.Ping(pair.ClientSide, new byte[126]), "too long");
                Check.Equal(0, pair.Client.Ping(pair.ClientSide, new byte[125]), "just right");
                Check.Status(StatusCode.NetworkIdMismatch,
                    pair.Client.Ping(default(NetworkConnection)), "no connection");
            }
            using (Pair pair = Pair.Open(Road.Udp))
                Check.Status(StatusCode.NotSupported, pair.Client.Ping(pair.ClientSide), "UDP");
            Check.Status(StatusCode.InvalidHandle,
                default(NetworkDriver).Ping(default(NetworkConnection)), "no driver");
        }

        public static void SilenceHasALimitUnlessTheProgramMaySleep()
        {
            NetDriverParameter limits = NetDriverParameter.Default;
            limits.pingIntervalMS = 0;
            limits.silenceTimeoutMS = 100;
            // Time of frames, so that no pause of a busy machine is taken for silence.
            NetworkSettings settings = new NetworkSettings().WithNetDriverParameters(limits)
                .WithNetworkConfigParameters(heartbeatTimeoutMS: 0, fixedFrameTimeMS: 5);
            using (Pair pair = Pair.Open(Road.WebSocketPlain, settings))
            {
                DataStreamReader reader;
                pair.Expect(
                    pair.Server, NetworkEvent.Type.Disconnect, pair.ServerSide, out reader);
                byte reason = reader.ReadByte();
                if (reason != (byte)DisconnectReason.Timeout)
                {
                    // The client was first: it has the same limit, and drops the stream.
                    Check.Equal((byte)DisconnectReason.ConnectionLost, reason, "server");
                    pair.Expect(
                        pair.Client, NetworkEvent.Type.Disconnect, pair.ClientSide, out reader);
                    Check.Equal((byte)DisconnectReason.Timeout, reader.ReadByte(), "client");
                }
            }
            limits.tolerateThrottled = true;
            settings.WithNetDriverParameters(limits);
            using (Pair pair = Pair.Open(Road.WebSocketPlain, settings))
            {
                for (int frame = 0; frame < 80; frame++)
                    pair.Step();
                Pair.Silent(pair.Server);
                Pair.Silent(pair.Client);
            }
        }

        public static void TheAgeOfTheLastMessageIsKnown()
        {
            foreach (Road road in Pair.All)
            {
                NetworkSettings settings = new NetworkSettings()
                    .WithNetworkConfigParameters(fixedFrameTimeMS: 10);
                using (Pair pair = Pair.Open(road, settings))
                {
                    Check.Equal(0, pair.Client.Send(pair.ClientSide, new byte[3]), "send");
                    DataStreamReader reader;
                    pair.Expect(pair.Server, NetworkEvent.Type.Data, pair.ServerSide, out reader);
                    ConnectionInfo info;
                    pair.Server.GetConnectionInfo(pair.ServerSide, out info);
                    uint age = info.LastMessageAgeMS;
                    for (int frame = 0; frame < 7; frame++)
                        pair.Step();
                    pair.Server.GetConnectionInfo(pair.ServerSide, out info);
                    Check.Equal(age + 70, info.LastMessageAgeMS, "age over " + road);
                }
            }
        }

        public static void ABackgroundPumpKeepsConnectionsBetweenUpdates()
        {
            NetDriverParameter limits = NetDriverParameter.Default;
            Check.That(!limits.backgroundPump, "off by default");
            limits.backgroundPump = true;
            NetworkSettings settings = Settings(limits).WithNetworkConfigParameters(
                disconnectTimeoutMS: 2000, heartbeatTimeoutMS: 100);
            foreach (Road road in new[] { Road.Udp, Road.WebSocketUtp })
            {
                using (Pair pair = Pair.Open(road, settings))
                {
                    // Neither program does anything for longer than its peer is patient.
                    System.Threading.Thread.Sleep(2500);
                    pair.Step();
                    Check.That(pair.Client.GetConnectionState(pair.ClientSide)
                        == NetworkConnection.State.Connected, "the client's side lives");
                    Check.That(pair.Server.GetConnectionState(pair.ServerSide)
                        == NetworkConnection.State.Connected, "the server's side lives");
                }
            }
        }

        public static void ALoopOfTheProgramsOwnKnowsHowLongItMaySleep()
        {
            using (NetworkDriver driver = Pair.Listener(Pair.Interface(Road.Udp)))
            {
                driver.ScheduleUpdate().Complete();
                long descriptor;
                int result = driver.GetPollDescriptor(out descriptor);
                if (System.Environment.OSVersion.Platform == System.PlatformID.Unix)
                    Check.That(result == 0 && descriptor > 2, "a descriptor");
                else
                    Check.Status(StatusCode.NotSupported, result, "no descriptor");
                Check.Equal(-1, driver.GetNextTimeoutMS(), "nothing to do");
                driver.Connect(NetworkEndpoint.LoopbackIpv4.WithPort(9));
                driver.ScheduleUpdate().Complete();
                int due = driver.GetNextTimeoutMS();
                Check.That(due >= 0 && due <= 1000, "it tries again in " + due);
            }
            long none;
            Check.Status(StatusCode.InvalidHandle,
                default(NetworkDriver).GetPollDescriptor(out none), "no driver");
            Check.Equal(-1L, none, "no descriptor");
            Check.Equal(-1, default(NetworkDriver).GetNextTimeoutMS(), "no driver");
        }
    }
}
