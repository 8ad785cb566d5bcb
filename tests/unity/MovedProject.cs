#if NETDRIVER_COLLECTIONS
using System;
using NetDriver;
using NetDriver.Analytics;
using NetDriver.Error;
using NetDriver.Logging;
using NetDriver.TLS;
using NetDriver.Utilities;
using Unity.Collections;
using Unity.Collections.LowLevel.Unsafe;
using DataStreamReader = NetDriver.DataStreamReader;
using DataStreamWriter = NetDriver.DataStreamWriter;

/// <summary>
/// Code as it is written for Unity Transport, with "Unity.Networking.Transport" replaced by
/// "NetDriver" in its first lines, and those two for the streams. That it compiles is the half of
/// the test.
/// </summary>
internal static unsafe class MovedProject
{
    private static readonly StreamCompressionModel s_Model = StreamCompressionModel.Default;

    internal static void Run()
    {
        TextsAreFixedStrings();
        PackedTextsAreFixedStrings();
        EndpointsAreFixedStrings();
        SettingsAreFixedStrings();
        StatisticsHaveTheirTypes();
        NoPayloadIsADefault();
        AGameRuns();
    }

    private static void TextsAreFixedStrings()
    {
        FixedString32Bytes little = "snö";
        FixedString64Bytes more = little;
        FixedString128Bytes path = "/game";
        FixedString512Bytes name = new string('n', FixedString512Bytes.UTF8MaxLengthInBytes);
        FixedString4096Bytes text = new string('t', FixedString4096Bytes.UTF8MaxLengthInBytes);
        var writer = new DataStreamWriter(8192, Allocator.Temp);
        Checks.That(writer.WriteFixedString32(little) && writer.WriteFixedString64(more)
            && writer.WriteFixedString128(path) && writer.WriteFixedString512(name)
            && writer.WriteFixedString4096(text), "all fit");
        writer.WriteFixedString32("a string");
        writer.WriteFixedString64(new FixedString64Bytes(new string('x', 40)));
        var reader = new DataStreamReader(writer.AsNativeArray());
        FixedString32Bytes first = reader.ReadFixedString32();
        Checks.That(first == little && first.Length == 4, "32");
        Checks.That(reader.ReadFixedString64() == more, "64");
        Checks.That(reader.ReadFixedString128() == path, "128");
        Checks.That(reader.ReadFixedString512() == name, "512");
        Checks.That(reader.ReadFixedString4096() == text, "4096");
        Checks.That(reader.ReadFixedString32().ToString() == "a string", "a string");
        Checks.That(reader.ReadFixedString32().IsEmpty, "40 bytes as a text of 29");
        var small = new DataStreamWriter(4, Allocator.Temp);
        Checks.That(!small.WriteFixedString32(little) && small.HasFailedWrites, "does not fit");
        Checks.That(small.Length == 0, "nothing was written");
        var before = new DataStreamWriter(8192, Allocator.Temp);
        before.WriteFixedString32("snö");
        before.WriteFixedString64("snö");
        NativeArray<byte> one = writer.AsNativeArray();
        NativeArray<byte> other = before.AsNativeArray();
        bool same = true;
        for (int i = 0; i < other.Length; i++)
            same &= At(one, i) == At(other, i);
        Checks.That(same, "the bytes are those of strings");
    }

    private static byte At(NativeArray<byte> bytes, int index)
    {
        return ((byte*)NativeArrayUnsafeUtility.GetUnsafeReadOnlyPtr(bytes))[index];
    }

    private static void PackedTextsAreFixedStrings()
    {
        FixedString32Bytes old = "player one";
        FixedString64Bytes old64 = old;
        FixedString128Bytes old128 = old;
        FixedString512Bytes old512 = old;
        FixedString4096Bytes old4096 = old;
        var writer = new DataStreamWriter(512, Allocator.Temp);
        Checks.That(writer.WritePackedFixedString32Delta("player two", old, s_Model)
            && writer.WritePackedFixedString64Delta("player two", old64, s_Model)
            && writer.WritePackedFixedString128Delta("player two", old128, s_Model)
            && writer.WritePackedFixedString512Delta("player two", old512, s_Model)
            && writer.WritePackedFixedString4096Delta("player two", old4096, s_Model), "all fit");
        writer.WriteFixedString32("raw");
        var reader = new DataStreamReader(writer.AsNativeArray());
        FixedString32Bytes back = reader.ReadPackedFixedString32Delta(old, s_Model);
        Checks.That(back == "player two", "32");
        Checks.That(reader.ReadPackedFixedString64Delta(old64, s_Model) == "player two", "64");
        Checks.That(reader.ReadPackedFixedString128Delta(old128, s_Model) == "player two", "128");
        Checks.That(reader.ReadPackedFixedString512Delta(old512, s_Model) == "player two", "512");
        Checks.That(reader.ReadPackedFixedString4096Delta(old4096, s_Model) == "player two", "4K");
        using (var raw = new NativeArray<byte>(8, Allocator.Persistent))
        {
            Checks.That(reader.ReadFixedString(raw) == 3 && raw[0] == (byte)'r', "as bytes");
            Checks.That(reader.GetUnsafeReadOnlyPtr() != null, "where it lies");
            Checks.That(!reader.HasFailedReads, "nothing failed");
            Checks.That(reader.ReadPackedFixedString32Delta(old, s_Model).IsEmpty
                && reader.HasFailedReads, "past the end");
        }
    }

    private static void EndpointsAreFixedStrings()
    {
        FixedString128Bytes address = "192.168.1.2";
        NetworkEndpoint endpoint;
        Checks.That(NetworkEndpoint.TryParse(address, 7777, out endpoint), "an address");
        Checks.That(endpoint == NetworkEndpoint.Parse(address, 7777, NetworkFamily.Ipv4), "Parse");
        FixedString128Bytes text = endpoint.ToFixedString();
        Checks.That(text == "192.168.1.2:7777", text.ToString());
        Checks.That(endpoint.ToFixedStringNoPort() == "192.168.1.2", "without the port");
        NetworkEndpoint six = NetworkEndpoint.LoopbackIpv6.WithPort(80);
        Checks.That(six.ToFixedStringNoPort() == "[0000:0000:0000:0000:0000:0000:0000:0001]",
            six.ToFixedStringNoPort().ToString());
        Checks.That(default(NetworkEndpoint).ToFixedString() == "invalid", "invalid");
        NativeArray<byte> raw = endpoint.GetRawAddressBytes();
        Checks.That(raw.Length == 4 && raw[0] == 192, "raw bytes");
        NetworkEndpoint made = default(NetworkEndpoint);
        made.SetRawAddressBytes(raw);
        Checks.That(made == endpoint.WithPort(0), "of raw bytes");
        made.SetRawAddressBytes(new NativeArray<byte>(60, Allocator.Temp), NetworkFamily.Custom);
        Checks.That(made.ToFixedString512Bytes().Length == 129, "a custom one");
        Checks.That(made.ToFixedStringNoPort().Length == 129, "which has no port");
        Checks.Refused(() => made.ToFixedString(), "ToFixedString512Bytes", "is too long for 128");
        foreach (ulong value in new ulong[]
        {
            0, 1, 0x0000000100000000, 0x00FFFFFF7FFFFFFF, 0xFF00000A80000000, ulong.MaxValue,
        })
        {
            ulong bits = value;
            NetworkConnection connection = *(NetworkConnection*)&bits;
            Checks.That(connection.ToFixedString() == connection.ToString(),
                "a connection: " + connection.ToFixedString());
        }
    }

    private static void SettingsAreFixedStrings()
    {
        FixedString32Bytes driverName = "lobby";
        FixedString128Bytes path = "/game";
        FixedString512Bytes serverName = "server";
        FixedString4096Bytes authority = "authority";
        var pem = new FixedPEMString("pem");
        var settings = new NetworkSettings(Allocator.Temp);
        settings.WithLoggingParameters(driverName);
        settings.WithWebSocketParameters(path);
        settings.WithSimulatorStageParameters(maxPacketCount: 100, packetDelayMs: 50);
        settings.WithSecureClientParameters(ref serverName);
        Checks.That(settings.GetSecureParameters().Hostname == serverName, "name");
        settings.WithSecureClientParameters(ref authority, ref serverName);
        Checks.That(settings.GetSecureParameters().CACertificate.ToString() == "authority",
            "authority");
        settings.WithSecureClientParameters(ref pem, ref serverName);
        settings.WithSecureClientParameters(ref pem, ref pem, ref pem, ref serverName);
        Checks.That(settings.GetSecureParameters().PrivateKey.ToString() == "pem", "key");
        settings.WithSecureClientParameters(
            ref authority, ref authority, ref authority, ref serverName);
        settings.WithSecureServerParameters(ref authority, ref authority);
        settings.WithSecureServerParameters(ref pem, ref pem);
        settings.WithSecureServerParameters(ref pem, ref pem, ref pem, ref serverName);
        Checks.That(settings.GetSecureParameters().ClientAuthenticationPolicy
            == SecureClientAuthPolicy.Required, "policy");
        settings.WithSecureServerParameters(
            ref authority, ref authority, ref authority, ref serverName,
            SecureClientAuthPolicy.Optional);
        Checks.That(settings.GetSecureParameters().ClientAuthenticationPolicy
            == SecureClientAuthPolicy.Optional, "another policy");
        Checks.That(settings.GetWebSocketParameters().Path == path, "path");
        LoggingParameter logging;
        Checks.That(settings.AsReadOnly().TryGet(out logging) && logging.DriverName == driverName,
            "driver's name");
        var own = new WebSocketParameter { Path = path };
        Checks.That(own.Validate() && !default(WebSocketParameter).Validate(), "a path");
        settings.Dispose();
    }

    private static void StatisticsHaveTheirTypes()
    {
        ConnectionStatistics connection = default(ConnectionStatistics);
        int sent = connection.Reliable.PacketsSent;
        uint current = connection.Latency.Current;
        float loss = connection.PacketLossPercent;
        DriverStatistics driver = default(DriverStatistics);
        ulong bytes = driver.RxTotalBytes;
        BandwidthStatistics band = driver.TxBandwidth;
        PacketSizeStatistics sizes = driver.RxPacketSizes;
        uint smallest = sizes.Minimum;
        ReliableUtility.RTTInfo times = default(ReliableUtility.RTTInfo);
        int last = times.LastRtt + times.ResendTimeout;
        ReliableUtility.Statistics all = connection.Reliable + connection.Reliable;
        Checks.That(sent + last + all.PacketsResent == 0 && current + smallest + bytes == 0
            && loss + band.Mean == 0, "nothing was counted");
    }

    // "default" is the NativeArray, and not ambiguous beside what takes a byte[].
    private static void NoPayloadIsADefault()
    {
        FixedString512Bytes host = "127.0.0.1";
        using (var driver = NetworkDriver.Create(new IPCNetworkInterface()))
        using (var drivers = MultiNetworkDriver.Create())
        {
            driver.SetAcceptPayload(default);
            NetworkEndpoint endpoint = NetworkEndpoint.LoopbackIpv4.WithPort(1);
            Checks.That(driver.Connect(endpoint).IsCreated, "without one");
            Checks.That(driver.Connect(endpoint, default).IsCreated, "an endpoint");
            Checks.That(driver.Connect(host, 1, default).IsCreated, "a host");
            Checks.That(driver.Connect("127.0.0.1", 1, default).IsCreated, "a string");
            int id = drivers.AddDriver(NetworkDriver.Create(new IPCNetworkInterface()));
            Checks.That(drivers.Connect(id, endpoint).IsCreated, "without one, of several");
            Checks.That(drivers.Connect(id, endpoint, default).IsCreated, "of several");
            Checks.That(drivers.Connect(id, host, 1, default).IsCreated, "a host of several");
        }
    }

    private static void AGameRuns()
    {
        var settings = new NetworkSettings(Allocator.Temp);
        settings.WithNetworkConfigParameters(disconnectTimeoutMS: 10000, maxMessageSize: 1200);
        settings.WithReliableStageParameters(windowSize: 64);
        using (var stages = new NativeArray<NetworkPipelineStageId>(new[]
        {
            NetworkPipelineStageId.Get<ReliableSequencedPipelineStage>(),
            NetworkPipelineStageId.Get<UnreliableSequencedPipelineStage>(),
        }, Allocator.Persistent))
        using (var server = NetworkDriver.Create(new IPCNetworkInterface(), settings))
        using (var client = NetworkDriver.Create(new IPCNetworkInterface(), settings))
        {
            NetworkPipeline pipe = server.CreatePipeline(stages);
            Checks.That(pipe == client.CreatePipeline(stages), "the same pipeline");
            NetworkPipeline pieces = server.CreatePipeline(typeof(FragmentationPipelineStage));
            Checks.That(pieces == client.CreatePipeline(typeof(FragmentationPipelineStage)),
                "the same pipeline of pieces");
            Checks.That(server.Bind(NetworkEndpoint.LoopbackIpv4) == 0 && server.Listen() == 0,
                "listens");
            FixedString512Bytes host = "127.0.0.1";
            NetworkConnection toServer;
            using (var hello = new NativeArray<byte>(new byte[] { 1 }, Allocator.Persistent))
                toServer = client.Connect(host, server.GetLocalEndpoint().Port, hello);
            NetworkConnection accepted = default(NetworkConnection);
            FixedString32Bytes got = default(FixedString32Bytes);
            for (int frame = 0; frame < 10000 && got.IsEmpty; frame++)
            {
                client.ScheduleUpdate().Complete();
                server.ScheduleUpdate().Complete();
                NetworkConnection incoming = server.Accept(out var payload);
                if (incoming != default(NetworkConnection))
                {
                    accepted = incoming;
                    Checks.That(payload.Length == 1, "payload");
                }
                NetworkEvent.Type type;
                NetworkConnection from;
                DataStreamReader reader;
                NetworkPipeline through;
                while ((type = client.PopEvent(out from, out reader, out through))
                    != NetworkEvent.Type.Empty)
                    Checks.That(type == NetworkEvent.Type.Connect, "connected");
                if (toServer.GetState(client) == NetworkConnection.State.Connected
                    && (StatusCode)client.BeginSend(pipe, toServer, out var writer)
                        == StatusCode.Success)
                {
                    writer.WriteFixedString32("hello");
                    Checks.That(client.EndSend(writer) == 7, "sent");
                }
                while ((type = server.PopEvent(out from, out reader, out through))
                    != NetworkEvent.Type.Empty)
                {
                    if (type == NetworkEvent.Type.Data && through == pipe)
                        got = reader.ReadFixedString32();
                }
            }
            Checks.That(got == "hello", "heard");
            ItsBuffersAreRead(client, pipe, toServer);
            StagesThatAreNotThereHaveNoBuffers(client, pieces, toServer);
            Checks.That(accepted.Disconnect(server) == 0, "disconnect");
        }
    }

    private static void ItsBuffersAreRead(
        NetworkDriver client, NetworkPipeline pipe, NetworkConnection connection)
    {
        client.GetPipelineBuffers(
            pipe, NetworkPipelineStageId.Get<ReliableSequencedPipelineStage>(), connection,
            out _, out _, out var shared);
        var context = (ReliableUtility.SharedContext*)NativeArrayUnsafeUtility.GetUnsafePtr(shared);
        Checks.That(context->stats.PacketsSent >= 1 && context->WindowSize == 64, "reliable");
        Checks.That(context->MinimumResendTime == ReliableUtility.DefaultMinimumResendTime
            && context->MaximumResendTime == ReliableUtility.DefaultMaximumResendTime, "times");
        ReliableUtility.SetMaximumResendTime(1000, client, pipe, connection);
        client.GetPipelineBuffers(
            pipe, NetworkPipelineStageId.Get<ReliableSequencedPipelineStage>(), connection,
            out _, out _, out shared);
        context = (ReliableUtility.SharedContext*)NativeArrayUnsafeUtility.GetUnsafePtr(shared);
        Checks.That(context->MaximumResendTime == 1000, "changed");
        client.GetPipelineBuffers(
            pipe, NetworkPipelineStageId.Get<UnreliableSequencedPipelineStage>(), connection,
            out _, out _, out shared);
        var counted = (UnreliableSequencedPipelineStage.Statistics*)
            NativeArrayUnsafeUtility.GetUnsafePtr(shared);
        Checks.That(counted->NumPacketsSent >= 1, "sequenced");
    }

    private static void StagesThatAreNotThereHaveNoBuffers(
        NetworkDriver client, NetworkPipeline pieces, NetworkConnection connection)
    {
        NetworkPipelineStageId reliable =
            NetworkPipelineStageId.Get<ReliableSequencedPipelineStage>();
        foreach (var pipe in new[] { pieces, NetworkPipeline.Null })
        {
            foreach (var stage in new[]
            {
                reliable,
                NetworkPipelineStageId.Get<UnreliableSequencedPipelineStage>(),
                NetworkPipelineStageId.Get<SimulatorPipelineStage>(),
                NetworkPipelineStageId.Get<FragmentationPipelineStage>(),
                default,
            })
            {
                client.GetPipelineBuffers(
                    pipe, stage, connection, out var read, out var write, out var shared);
                Checks.That(read.Length + write.Length + shared.Length == 0, "what is not shown");
            }
        }
        Checks.Refused(() => client.GetPipelineBuffers(
            pieces, reliable, default(NetworkConnection), out _, out _, out _),
            "NetworkIdMismatch", "of nobody");
        Checks.Refused(() => client.GetPipelineBuffers(
            new NetworkPipeline(9), reliable, connection, out _, out _, out _),
            "InvalidArgument", "of no pipeline");
    }
}
#endif
