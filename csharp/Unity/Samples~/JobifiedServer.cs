#if UNITY_5_3_OR_NEWER
using NetDriver;
using Unity.Burst;
using Unity.Collections;
using Unity.Jobs;
using UnityEngine;
// Both namespaces have one.
using DataStreamReader = NetDriver.DataStreamReader;
using DataStreamWriter = NetDriver.DataStreamWriter;

/// <summary>
/// A server whose work runs as Unity's jobs: update, accept, one call for each connection on all
/// worker threads, send. Each client sends numbers and gets them back plus two. Put it on an object
/// of a scene; it needs the package com.unity.collections.
/// </summary>
public class JobifiedServer : MonoBehaviour
{
    /// <summary>Where it listens.</summary>
    public ushort Port = 7777;

    private NetworkDriver m_Driver;
    private NativeList<NetworkConnection> m_Connections;
    private JobHandle m_Frame;

    // The driver is this job's alone.
    private struct AcceptJob : IJob
    {
        public NetworkDriver Driver;
        public NativeList<NetworkConnection> Connections;

        public void Execute()
        {
            for (int i = Connections.Length - 1; i >= 0; i--)
            {
                if (!Connections[i].IsCreated)
                    Connections.RemoveAtSwapBack(i);
            }
            NetworkConnection connection;
            while ((connection = Driver.Accept()) != default(NetworkConnection))
                Connections.Add(connection);
        }
    }

    // For one connection, while other threads do it for others.
    [BurstCompile]
    private struct ServeJob : IJobParallelForDefer
    {
        public NetworkDriver.Concurrent Driver;
        public NativeArray<NetworkConnection> Connections;

        public void Execute(int index)
        {
            NetworkConnection connection = Connections[index];
            DataStreamReader reader;
            NetworkEvent.Type kind;
            while ((kind = Driver.PopEventForConnection(connection, out reader))
                != NetworkEvent.Type.Empty)
            {
                DataStreamWriter writer;
                if (kind == NetworkEvent.Type.Disconnect)
                    Connections[index] = default(NetworkConnection);
                else if (kind == NetworkEvent.Type.Data
                    && Driver.BeginSend(connection, out writer) == 0)
                {
                    writer.WriteUInt(reader.ReadUInt() + 2);
                    Driver.EndSend(writer);
                }
            }
        }
    }

    private void Start()
    {
        m_Driver = NetworkDriver.Create(new WebSocketNetworkInterface());
        m_Connections = new NativeList<NetworkConnection>(16, Allocator.Persistent);
        int result = m_Driver.Bind(NetworkEndpoint.AnyIpv4.WithPort(Port));
        if (result == 0)
            result = m_Driver.Listen();
        if (result != 0)
            Debug.LogError("No server on port " + Port + ": " + NetDriverLibrary.LastError);
    }

    private void Update()
    {
        // The last frame's jobs; from here to the next schedule the driver may be used here.
        m_Frame.Complete();

        AcceptJob accept = new AcceptJob { Driver = m_Driver, Connections = m_Connections };
        ServeJob serve = new ServeJob
        {
            Driver = m_Driver.ToConcurrent(),
            Connections = m_Connections.AsDeferredJobArray()
        };
        m_Frame = m_Driver.ScheduleUpdate();
        m_Frame = accept.Schedule(m_Frame);
        m_Frame = serve.Schedule(m_Connections, 1, m_Frame);
        m_Frame = m_Driver.ScheduleFlushSend(m_Frame);
    }

    private void OnDestroy()
    {
        m_Frame.Complete();
        m_Driver.Dispose();
        if (m_Connections.IsCreated)
            m_Connections.Dispose();
    }
}
#endif
