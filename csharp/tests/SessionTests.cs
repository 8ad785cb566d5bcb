using System;

namespace NetDriver.Tests
{
    /// <summary>Sessions between two drivers: settings, facts, priorities.</summary>
    [Tests]
    internal static class SessionTests
    {
        public static void TwoDriversAgreeOverDatagrams()
        {
            foreach (Road road in new[] { Road.Udp, Road.Ipc, Road.WebSocketUtp })
            {
                NetworkPipeline pipe;
                using (Pair pair = Open(road, default(NetworkSettings), out pipe))
                {
                    bool agrees = road != Road.WebSocketUtp;
                    for (int i = 0; i < 2000 && Has(pair) != agrees; i++)
                        Turn(pair);
                    Check.Equal(agrees, Has(pair), "session over " + road);
                    Check.Equal(0, pair.Client.SetPipelinePriority(pipe, 9), "priority");
                    Check.Equal((int)Error.StatusCode.InvalidArgument,
                        pair.Client.SetPipelinePriority(NetworkPipeline.Null, 9), "no pipeline");
                    byte[] message = { 1, 2, 3 };
                    Check.Equal(0, pair.Client.Send(pipe, pair.ClientSide, message), "send");
                    DataStreamReader reader;
                    pair.Expect(
                        pair.Server, NetworkEvent.Type.Data, pair.ServerSide, out reader);
                    Check.Equal(3, reader.Length, "length");
                    ConnectionInfo info;
                    Check.Equal(
                        0, pair.Client.GetConnectionInfo(pair.ClientSide, out info), "info");
                    Check.Equal(0u, info.LossPermille, "loss");
                }
            }
        }

        public static void TheSettingSwitchesItOff()
        {
            NetDriverParameter parameter = NetDriverParameter.Default;
            Check.That(parameter.session, "on by default");
            Check.Equal(66u, parameter.sessionRepairPercent, "budget");
            parameter.session = false;
            NetworkSettings settings = new NetworkSettings().WithNetDriverParameters(parameter);
            NetworkPipeline pipe;
            using (Pair pair = Open(Road.Udp, settings, out pipe))
            {
                for (int i = 0; i < 30; i++)
                    Turn(pair);
                Check.That(!Has(pair), "off");
                // Unity Transport's window.
                for (int i = 0; i < 32; i++)
                    Check.Equal(0, pair.Client.Send(pipe, pair.ClientSide, new byte[1]), "send");
                Check.Equal((int)Error.StatusCode.NetworkSendQueueFull,
                    pair.Client.Send(pipe, pair.ClientSide, new byte[1]), "window");
            }
            parameter.sessionRepairPercent = 101;
            Check.Throws<NetDriverException>(() => NetworkDriver.Create(
                new NetworkSettings().WithNetDriverParameters(parameter)), "budget");
        }

        private static bool Has(Pair pair)
        {
            ConnectionInfo ours, theirs;
            Check.Equal(0, pair.Server.GetConnectionInfo(pair.ServerSide, out ours), "info");
            Check.Equal(0, pair.Client.GetConnectionInfo(pair.ClientSide, out theirs), "info");
            return ours.HasSession && theirs.HasSession;
        }

        private static void Turn(Pair pair)
        {
            pair.Client.ScheduleUpdate().Complete();
            pair.Server.ScheduleUpdate().Complete();
            pair.Server.Wait(1);
        }

        private static Pair Open(Road road, NetworkSettings settings, out NetworkPipeline pipe)
        {
            Pair pair = new Pair();
            pair.Server = NetworkDriver.Create(Pair.Interface(road), settings);
            pipe = pair.Server.CreatePipeline(typeof(ReliableSequencedPipelineStage));
            Check.Equal(0, pair.Server.Bind(NetworkEndpoint.LoopbackIpv4), "bind");
            Check.Equal(0, pair.Server.Listen(), "listen");
            pair.Client = NetworkDriver.Create(Pair.Interface(road), settings);
            pair.Client.CreatePipeline(typeof(ReliableSequencedPipelineStage));
            pair.ClientSide = pair.Client.Connect(pair.Server.GetLocalEndpoint());
            pair.Establish();
            DataStreamReader reader;
            pair.Expect(pair.Client, NetworkEvent.Type.Connect, pair.ClientSide, out reader);
            return pair;
        }
    }
}
