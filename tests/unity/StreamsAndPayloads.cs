using System;
using NetDriver;
using Unity.Collections;
using DataStreamReader = NetDriver.DataStreamReader;
using DataStreamWriter = NetDriver.DataStreamWriter;

/// <summary>Bytes in Unity's arrays.</summary>
internal static class StreamsAndPayloads
{
    internal static void Run()
    {
        StreamsAreOverArrays();
        PayloadsAreArrays();
    }

    private static void StreamsAreOverArrays()
    {
        DataStreamWriter writer = new DataStreamWriter(16, Allocator.Temp);
        writer.WritePackedUInt(1979, StreamCompressionModel.Default);
        writer.WriteFixedString32("snö");
        NativeArray<byte> written = writer.AsNativeArray();
        Checks.That(written.Length == 9, "length " + written.Length);
        DataStreamReader reader = new DataStreamReader(written);
        Checks.That(reader.ReadPackedUInt(StreamCompressionModel.Default) == 1979, "packed");
        Checks.That(reader.ReadFixedString32() == "snö", "text");
        Checks.Refused(() => new DataStreamWriter(1, Allocator.Persistent), "Temp", "allocator");
        using (NativeArray<byte> memory = new NativeArray<byte>(4, Allocator.Persistent))
        using (NativeArray<byte> copy = new NativeArray<byte>(4, Allocator.Persistent))
        {
            writer = new DataStreamWriter(memory);
            Checks.That(writer.WriteUInt(0x01020304) && !writer.WriteByte(0), "as much as fits");
            new DataStreamReader(memory).ReadBytes(copy);
            Checks.That(copy[0] == 4 && copy[3] == 1, "little endian");
            writer.Clear();
            Checks.That(writer.WriteBytes(copy) && writer.Length == 4, "bytes");
        }
    }

    private static void PayloadsAreArrays()
    {
        using (NetworkSettings settings = new NetworkSettings(Allocator.Temp))
        using (NativeArray<byte> hello = new NativeArray<byte>(
            new byte[] { 7, 8 }, Allocator.Persistent))
        using (NetworkDriver server = NetworkDriver.Create(new IPCNetworkInterface(), settings))
        using (NetworkDriver client = NetworkDriver.Create(new IPCNetworkInterface()))
        {
            server.SetAcceptPayload(hello);
            server.Bind(NetworkEndpoint.LoopbackIpv4);
            server.Listen();
            client.Connect(server.GetLocalEndpoint(), hello);
            NetworkConnection accepted = default(NetworkConnection);
            NetworkEvent.Type kind = NetworkEvent.Type.Empty;
            for (int frame = 0; frame < 10000 && kind == NetworkEvent.Type.Empty; frame++)
            {
                client.ScheduleUpdate().Complete();
                server.ScheduleUpdate().Complete();
                NativeArray<byte> payload;
                NetworkConnection found = server.Accept(out payload);
                if (found.IsCreated)
                {
                    accepted = found;
                    Checks.That(payload.Length == 2 && payload[1] == 8, "of Connect");
                }
                NetworkConnection connection;
                DataStreamReader reader;
                kind = client.PopEvent(out connection, out reader);
                if (kind == NetworkEvent.Type.Connect)
                    Checks.That(reader.Length == 2 && reader.ReadByte() == 7, "of the acceptance");
            }
            Checks.That(accepted.IsCreated && kind == NetworkEvent.Type.Connect, "connected");
        }
    }
}
