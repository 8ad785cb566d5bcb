using System;

namespace NetDriver.Tests
{
    /// <summary>Pipelines as programs for Unity Transport use them.</summary>
    [Tests]
    internal static class PipelineTests
    {
        public static void MessagesGoThroughEveryStage()
        {
            foreach (Road road in Pair.All)
            {
                NetworkPipeline[] pipes;
                using (Pair pair = Open(road, default(NetworkSettings), MakeAll, out pipes))
                {
                    bool plain = road == Road.WebSocketPlain;
                    foreach (NetworkPipeline pipe in pipes)
                    {
                        byte[] message = Ramp(pipe == pipes[0] || pipe == pipes[4] ? 4096 : 300);
                        Check.Equal(0, pair.Client.Send(pipe, pair.ClientSide, message), "send");
                        ExpectMessage(pair, pair.Server, pair.ServerSide,
                            plain ? NetworkPipeline.Null : pipe, message);
                        DataStreamWriter writer;
                        Check.Equal(0, pair.Server.BeginSend(
                            pipe, pair.ServerSide, out writer, message.Length), "begin");
                        Check.That(writer.WriteBytes(message), "write");
                        Check.Equal(message.Length, pair.Server.EndSend(writer), "end");
                        ExpectMessage(pair, pair.Client, pair.ClientSide,
                            plain ? NetworkPipeline.Null : pipe, message);
                    }
                }
            }
        }

        public static void SizesAreUnityTransports()
        {
            NetworkPipeline[] pipes;
            using (Pair pair = Open(Road.Udp, default(NetworkSettings), MakeAll, out pipes))
            {
                int[] payloads = { 4096, 1388, 1378, 1390, 4096, 1374 };
                int[] headers = { 12, 12, 22, 10, 24, 26 };
                for (int i = 0; i < pipes.Length; i++)
                {
                    Check.Equal(payloads[i],
                        pair.Client.GetMaxSupportedPayloadSize(pair.ClientSide, pipes[i]),
                        "payload " + i);
                    Check.Equal(headers[i], pair.Client.MaxHeaderSize(pipes[i]), "header " + i);
                }
                Check.Equal(10, pair.Client.MaxHeaderSize(NetworkPipeline.Null), "no pipeline");
                Check.Equal((int)Error.StatusCode.NetworkPacketOverflow,
                    pair.Client.Send(pipes[1], pair.ClientSide, new byte[1389]), "too long");
            }
        }

        public static void ParametersComeFromTheSettings()
        {
            // With a session the window is no bound.
            NetworkSettings settings = Pair.Stock
                .WithFragmentationStageParameters(payloadCapacity: 9000)
                .WithReliableStageParameters(windowSize: 8, minimumResendTime: 10,
                    maximumResendTime: 20);
            NetworkPipeline[] pipes;
            using (Pair pair = Open(Road.Ipc, settings, MakeAll, out pipes))
            {
                Check.Equal(9000, pair.Client.GetMaxSupportedPayloadSize(pair.ClientSide, pipes[0]),
                    "capacity");
                for (int i = 0; i < 8; i++)
                    Check.Equal(0, pair.Client.Send(pipes[2], pair.ClientSide, new byte[1]),
                        "send " + i);
                Check.Equal((int)Error.StatusCode.NetworkSendQueueFull,
                    pair.Client.Send(pipes[2], pair.ClientSide, new byte[1]), "window");
            }
            Check.Equal(9000, settings.GetFragmentationStageParameters().PayloadCapacity, "kept");
            Check.Equal(8, settings.GetReliableStageParameters().WindowSize, "kept");
            Check.Throws<NetDriverException>(() => NetworkDriver.Create(
                new NetworkSettings().WithReliableStageParameters(2041)), "window");
            Check.Throws<NetDriverException>(() => NetworkDriver.Create(
                new NetworkSettings().WithFragmentationStageParameters(0)), "capacity");
        }

        public static void WhatCannotBeThrows()
        {
            NetworkDriver driver = NetworkDriver.Create(new IPCNetworkInterface());
            Check.Throws<NetDriverException>(() => driver.CreatePipeline(
                typeof(ReliableSequencedPipelineStage), typeof(FragmentationPipelineStage)),
                "fragmentation behind the reliable stage");
            Check.Throws<NetDriverException>(
                () => driver.CreatePipeline(typeof(string)), "no stage");
            Check.Throws<ArgumentNullException>(
                () => driver.CreatePipeline((Type[])null), "no list");
            NetworkPipeline byId = driver.CreatePipeline(new[]
            {
                NetworkPipelineStageId.Get<UnreliableSequencedPipelineStage>(),
            });
            Check.Equal(1, (int)byId.Id, "first");
            Check.Equal(2, (int)driver.CreatePipeline().Id, "second");
            Check.That(driver.Connect(NetworkEndpoint.LoopbackIpv4.WithPort(9)).IsCreated,
                "connects");
            Check.Throws<NetDriverException>(
                () => driver.CreatePipeline(typeof(NullPipelineStage)), "too late");
            driver.Dispose();
            Check.Throws<NetDriverException>(
                () => driver.CreatePipeline(typeof(NullPipelineStage)), "disposed");
        }

        public static void ReliableMessagesSurviveABadStage()
        {
            SimulatorUtility.Parameters bad = SimulatorUtility.Parameters.Default;
            bad.PacketDropPercentage = 30;
            bad.Mode = ApplyMode.SentPacketsOnly;
            NetworkSettings settings = new NetworkSettings()
                .WithSimulatorStageParameters(bad)
                .WithReliableStageParameters(minimumResendTime: 2, maximumResendTime: 4);
            NetworkPipeline[] pipes;
            using (Pair pair = Open(Road.Ipc, settings, MakeLossy, out pipes))
            {
                int sent = 0;
                int got = 0;
                pair.Until(() =>
                {
                    while (sent < 100
                        && pair.Client.Send(pipes[0], pair.ClientSide, new[] { (byte)sent }) == 0)
                        sent++;
                    NetworkConnection connection;
                    DataStreamReader reader;
                    while (pair.Server.PopEvent(out connection, out reader)
                        == NetworkEvent.Type.Data)
                    {
                        Check.Equal((byte)got, reader.ReadByte(), "order");
                        got++;
                    }
                    return got == 100;
                }, "all messages");
                PipelineStatistics statistics;
                Check.Equal(0, pair.Client.GetPipelineStatistics(
                    pipes[0], pair.ClientSide, out statistics), "statistics");
                Check.Equal(100, statistics.Reliable.PacketsSent, "sent");
                Check.Equal(100ul, statistics.ReliablePacketsSent, "sent, as far as it goes");
                Check.That(statistics.Reliable.PacketsResent > 10, "resent");
                Check.That(statistics.SimulatorDropped > 10, "dropped");
                Check.That(statistics.Rtt.SmoothedRtt > 0, "round trip");
                bad.PacketDropPercentage = 100;
                Check.Equal(0, pair.Client.ModifySimulatorStageParameters(bad), "modify");
                Check.Equal(0, pair.Client.Send(pipes[1], pair.ClientSide, new byte[1]), "send");
                pair.For(20);
                Pair.Silent(pair.Server);
                Check.Equal(0, pair.Client.SetResendTimes(pipes[0], pair.ClientSide, 5, 9),
                    "resend times");
                Check.Equal((int)Error.StatusCode.InvalidArgument,
                    pair.Client.SetResendTimes(pipes[0], pair.ClientSide, 9, 5), "wrong times");
            }
        }

        public static void AStageOfTheProgramStandsAmongTheOthers()
        {
            Xor.Released = 0;
            NetworkPipeline[] pipes;
            using (Pair pair = Open(Road.Udp, default(NetworkSettings), MakeXor, out pipes))
            {
                byte[] message = Ramp(1000);
                Check.Equal(0, pair.Client.Send(pipes[0], pair.ClientSide, message), "send");
                ExpectMessage(pair, pair.Server, pair.ServerSide, pipes[0], message);
                Check.Equal((int)Error.StatusCode.InvalidArgument,
                    pair.Client.Send(pipes[0], pair.ClientSide, new byte[] { Xor.Refused }),
                    "refused by the stage");
                Check.Equal((int)Error.StatusCode.InvalidArgument,
                    pair.Client.Send(pipes[0], pair.ClientSide, new byte[] { Xor.Thrown }),
                    "an exception");
                Check.Equal(10 + 1 + 12, pair.Client.MaxHeaderSize(pipes[0]), "header");
            }
            Check.Equal(4, Xor.Released, "two pipelines and two connections");
        }

        private static void MakeAll(NetworkDriver driver, NetworkPipeline[] pipes)
        {
            pipes[0] = driver.CreatePipeline(typeof(FragmentationPipelineStage));
            pipes[1] = driver.CreatePipeline(typeof(UnreliableSequencedPipelineStage));
            pipes[2] = driver.CreatePipeline(typeof(ReliableSequencedPipelineStage));
            pipes[3] = driver.CreatePipeline(
                typeof(NullPipelineStage), typeof(SimulatorPipelineStage));
            pipes[4] = driver.CreatePipeline(
                typeof(FragmentationPipelineStage), typeof(ReliableSequencedPipelineStage));
            ReliableUtility.Parameters wide = ReliableUtility.Parameters.Default;
            wide.WindowSize = 64;
            NetworkPipelineStage[] stages = { NetworkPipelineStage.ReliableSequenced(wide) };
            pipes[5] = driver.CreatePipeline(stages);
        }

        private static void MakeLossy(NetworkDriver driver, NetworkPipeline[] pipes)
        {
            pipes[0] = driver.CreatePipeline(
                typeof(ReliableSequencedPipelineStage), typeof(SimulatorPipelineStage));
            pipes[1] = driver.CreatePipeline(typeof(SimulatorPipelineStage));
        }

        private static void MakeXor(NetworkDriver driver, NetworkPipeline[] pipes)
        {
            driver.RegisterPipelineStage(new Xor());
            Check.Throws<NetDriverException>(
                () => driver.RegisterPipelineStage(new Xor()), "twice");
            pipes[0] = driver.CreatePipeline(
                typeof(Xor), typeof(ReliableSequencedPipelineStage));
        }

        internal static Pair Open(
            Road road, NetworkSettings settings, Action<NetworkDriver, NetworkPipeline[]> make,
            out NetworkPipeline[] pipes)
        {
            pipes = new NetworkPipeline[6];
            Pair pair = new Pair();
            pair.Server = NetworkDriver.Create(Pair.Interface(road), settings);
            make(pair.Server, pipes);
            Check.Equal(0, pair.Server.Bind(NetworkEndpoint.LoopbackIpv4), "bind");
            Check.Equal(0, pair.Server.Listen(), "listen");
            pair.Client = NetworkDriver.Create(Pair.Interface(road), settings);
            make(pair.Client, pipes);
            pair.ClientSide = road == Road.WebSocketPlain
                ? pair.Client.Connect(Pair.Url(pair.Server))
                : pair.Client.Connect(pair.Server.GetLocalEndpoint());
            pair.Establish();
            DataStreamReader reader;
            pair.Expect(pair.Client, NetworkEvent.Type.Connect, pair.ClientSide, out reader);
            return pair;
        }

        private static void ExpectMessage(
            Pair pair, NetworkDriver driver, NetworkConnection connection, NetworkPipeline pipe,
            byte[] message)
        {
            NetworkConnection found = default(NetworkConnection);
            DataStreamReader reader = default(DataStreamReader);
            NetworkPipeline through = default(NetworkPipeline);
            NetworkEvent.Type kind = NetworkEvent.Type.Empty;
            pair.Until(() => (kind = driver.PopEvent(out found, out reader, out through))
                != NetworkEvent.Type.Empty, "a message");
            Check.Equal(NetworkEvent.Type.Data, kind, "kind");
            Check.Equal(connection, found, "whose");
            Check.Equal(pipe.Id, through.Id, "pipeline");
            byte[] bytes = new byte[reader.Length];
            reader.ReadBytes(bytes);
            Check.Equal(Convert.ToBase64String(message), Convert.ToBase64String(bytes), "bytes");
        }

        private static byte[] Ramp(int length)
        {
            byte[] bytes = new byte[length];
            for (int i = 0; i < length; i++)
                bytes[i] = (byte)(i * 31 + i / 256);
            return bytes;
        }

        /// <summary>XORs every byte with a key that stands in front.</summary>
        private sealed class Xor : INetworkPipelineStage
        {
            internal const byte Refused = 254;
            internal const byte Thrown = 255;
            internal static int Released;

            public int HeaderCapacity
            {
                get { return 1; }
            }

            public int PayloadCapacity
            {
                get { return 0; }
            }

            public INetworkPipelineStageState CreateState(ulong seed)
            {
                return new XorState((byte)(seed | 1));
            }
        }

        private sealed class XorState : INetworkPipelineStageState
        {
            private readonly byte[] m_Key;

            internal XorState(byte key)
            {
                m_Key = new[] { key };
            }

            public int Send(ref NetworkPipelineStageCall call)
            {
                if (call.Length == 1 && call[0] == Xor.Refused)
                    return -7;
                if (call.Length == 1 && call[0] == Xor.Thrown)
                    throw new InvalidOperationException();
                for (int i = 0; i < call.Length; i++)
                    call[i] ^= m_Key[0];
                return call.Forward(m_Key);
            }

            public int Receive(ref NetworkPipelineStageCall call)
            {
                byte key = call[0];
                for (int i = 1; i < call.Length; i++)
                    call[i] ^= key;
                return call.ForwardFrom(1);
            }

            public void Timeout(ref NetworkPipelineStageCall call)
            {
            }

            public void Release()
            {
                Xor.Released++;
            }
        }
    }
}
