using System;
using System.Reflection;
using System.Threading;
using NetDriver;
using NetDriver.Interop;
using Unity.Collections;
using Unity.Jobs;
using DataStreamReader = NetDriver.DataStreamReader;
using DataStreamWriter = NetDriver.DataStreamWriter;

/// <summary>What goes into structs of Unity's jobs, and what Unity refuses there.</summary>
internal static class StructsOfJobs
{
    // As many as there are workers, so that all of them can be inside at once.
    private const int Clients = 4;
    private const int Messages = 30;

    private static int s_Inside;

    private struct SendTogether : IJobFor
    {
        public NetworkDriver.Concurrent Driver;
        public NativeArray<NetworkConnection> Connections;

        public void Execute(int index)
        {
            DataStreamWriter writer;
            int result = Driver.BeginSend(Connections[index], out writer);
            // All have begun a message before one ends its own.
            Interlocked.Increment(ref s_Inside);
            while (Volatile.Read(ref s_Inside) < Clients)
                Thread.Yield();
            writer.WriteInt(index);
            if (result != 0 || Driver.EndSend(writer) != 4)
                throw new InvalidOperationException("a message was not sent");
        }
    }

    private struct Echo : IJobParallelForDefer
    {
        public MultiNetworkDriver.Concurrent Drivers;

        public NativeArray<NetworkConnection> Connections;

        public void Execute(int index)
        {
            DataStreamReader reader;
            while (Drivers.PopEventForConnection(Connections[index], out reader)
                == NetworkEvent.Type.Data)
            {
                DataStreamWriter writer;
                if (Drivers.BeginSend(Connections[index], out writer) != 0)
                    throw new InvalidOperationException("no message begun");
                writer.WriteInt(reader.ReadInt());
                Drivers.EndSend(writer);
            }
        }
    }

    private struct Read : IJob
    {
        public DataStreamReader Reader;
        public NativeArray<int> Number;

        public void Execute()
        {
            Number[0] = Reader.ReadInt();
        }
    }

    private struct Managed : IJob
    {
        public NetworkSettings Settings;

        public void Execute()
        {
        }
    }

    private unsafe struct Bare : IJobParallelFor
    {
        public byte* Pointer;

        public void Execute(int index)
        {
        }
    }

    private struct Scheduling : IJob
    {
        public NetworkDriver Driver;
        public NativeArray<int> Refused;

        public void Execute()
        {
            try
            {
                Driver.ScheduleUpdate();
            }
            catch (InvalidOperationException)
            {
                Refused[0]++;
            }
        }
    }

    internal static void Run()
    {
        AreValuesWithoutReferences();
        UnityRefuses();
        SeveralThreadsSendAtOnce();
        SeveralDriversEcho();
        AReaderGoesIntoAJob();
    }

    private static void AreValuesWithoutReferences()
    {
        Type[] types =
        {
            typeof(NetworkDriver), typeof(NetworkDriver.Concurrent), typeof(MultiNetworkDriver),
            typeof(MultiNetworkDriver.Concurrent), typeof(NetworkConnection),
            typeof(NetworkPipeline), typeof(NetworkEndpoint), typeof(DataStreamReader),
            typeof(DataStreamWriter),
        };
        foreach (Type type in types)
        {
            JobChecks.Require(type);
            Checks.That(type.IsValueType, type.Name);
        }
        // What Burst compiles calls functions that take numbers and pointers alone.
        int calls = 0;
        foreach (MethodInfo call in typeof(NativeMethods).GetMethods(
            BindingFlags.Static | BindingFlags.NonPublic))
        {
            bool often = call.Name.StartsWith("nd_concurrent_") || call.Name.EndsWith("_send")
                || call.Name == "nd_driver_accept" || call.Name.StartsWith("nd_driver_pop_event");
            if (!often)
                continue;
            calls++;
            foreach (ParameterInfo parameter in call.GetParameters())
                Checks.That(
                    parameter.ParameterType.IsPointer || parameter.ParameterType.IsPrimitive,
                    call.Name + " takes " + parameter);
        }
        Checks.That(calls >= 15, "calls that are made often: " + calls);
    }

    private static void UnityRefuses()
    {
        Checks.Refused(() => new Managed().Schedule(), "reference types", "a class");
        Checks.Refused(() => new Bare().Schedule(1, 1), "unsafe Pointers", "a pointer");
        using (Party party = new Party(1))
        using (NativeArray<int> refused = new NativeArray<int>(1, Allocator.TempJob))
        {
            JobHandle job = new Scheduling { Driver = party.Server, Refused = refused }.Schedule();
            Checks.Refused(() => refused.ToArray(), "Complete()", "use before it is complete");
            Checks.Refused(() => new Scheduling { Refused = refused }.Schedule(), "depend on it",
                "no dependency");
            job.Complete();
            Checks.That(refused[0] == 1, "scheduling inside of a job is refused");
        }
    }

    private static void SeveralThreadsSendAtOnce()
    {
        using (Party party = new Party(Clients))
        using (NativeArray<NetworkConnection> connections =
            new NativeArray<NetworkConnection>(party.Ours, Allocator.TempJob))
        {
            SendTogether send = new SendTogether { Connections = connections };
            // The handle is taken while the update may run.
            JobHandle frame = party.Server.ScheduleUpdate();
            send.Driver = party.Server.ToConcurrent();
            frame = send.ScheduleParallel(Clients, 1, frame);
            party.Server.ScheduleFlushSend(frame).Complete();
            party.Client.ScheduleUpdate().Complete();
            bool[] got = new bool[Clients];
            NetworkConnection connection;
            DataStreamReader reader;
            while (party.Client.PopEvent(out connection, out reader) == NetworkEvent.Type.Data)
                got[Array.IndexOf(party.Theirs, connection)] |=
                    connection == party.Theirs[reader.ReadInt()];
            Checks.That(Array.TrueForAll(got, one => one), "each has its message");
            Checks.That(JobSystem.MostAtOnce >= Clients, "inside of one job at once");
        }
    }

    private static void SeveralDriversEcho()
    {
        using (MultiNetworkDriver drivers = MultiNetworkDriver.Create())
        using (NativeList<NetworkConnection> connections =
            new NativeList<NetworkConnection>(1, Allocator.Persistent))
        {
            NetworkDriver server = NetworkDriver.Create(new IPCNetworkInterface());
            NetworkDriver client = NetworkDriver.Create(new IPCNetworkInterface());
            drivers.AddDriver(NetworkDriver.Create(new IPCNetworkInterface()));
            drivers.AddDriver(server);
            server.Bind(NetworkEndpoint.LoopbackIpv4);
            server.Listen();
            for (int i = 0; i < Clients; i++)
                client.Connect(server.GetLocalEndpoint());
            int sent = 0;
            int back = 0;
            for (int frame = 0; frame < 100000 && back < Clients * Messages; frame++)
            {
                JobHandle job = drivers.ScheduleUpdate();
                Echo echo = new Echo { Drivers = drivers.ToConcurrent() };
                echo.Connections = connections.AsDeferredJobArray();
                job = echo.Schedule(connections, 1, job);
                drivers.ScheduleFlushSend(job).Complete();
                NetworkConnection accepted;
                while ((accepted = drivers.Accept()).IsCreated)
                    connections.Add(accepted);
                back += Play(client, ref sent);
            }
            Checks.That(back == Clients * Messages, back + " messages came back");
            client.Dispose();
        }
    }

    private static int Play(NetworkDriver client, ref int sent)
    {
        int back = 0;
        client.ScheduleUpdate().Complete();
        NetworkConnection connection;
        DataStreamReader reader;
        NetworkEvent.Type kind;
        while ((kind = client.PopEvent(out connection, out reader)) != NetworkEvent.Type.Empty)
        {
            int number = kind == NetworkEvent.Type.Data ? reader.ReadInt() : 0;
            back += kind == NetworkEvent.Type.Data ? 1 : 0;
            DataStreamWriter writer;
            if (number + 1 > Messages - (kind == NetworkEvent.Type.Data ? 1 : 0)
                || client.BeginSend(connection, out writer) != 0)
                continue;
            writer.WriteInt(kind == NetworkEvent.Type.Data ? number + 1 : 0);
            client.EndSend(writer);
            sent++;
        }
        client.ScheduleFlushSend().Complete();
        return back;
    }

    private static void AReaderGoesIntoAJob()
    {
        using (Party party = new Party(1))
        using (NativeArray<int> number = new NativeArray<int>(1, Allocator.TempJob))
        {
            party.Client.Send(party.Theirs[0], new byte[] { 1, 2, 0, 0 });
            party.Update();
            DataStreamReader reader;
            party.Server.PopEventForConnection(party.Ours[0], out reader);
            new Read { Reader = reader, Number = number }.Schedule().Complete();
            Checks.That(number[0] == 513, "read in a job: " + number[0]);
        }
    }
}
